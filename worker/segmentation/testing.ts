/** What the tests of this folder share: a tiny method on tfjs's own JavaScript backend, and pictures to run it on. */
import * as tf from "@tensorflow/tfjs";
import { type MethodConfig, methodConfigSchema } from "../../shared/config/method.js";
import { Rng } from "../../shared/rng.js";
import type { BackboneFiles, Compute, LabelledExample } from "../compute/contract.js";
import { tfjsModel } from "../export/tfjs.js";
import { createCompute } from "./compute.js";
import type { LayersModel, Tensor, Tf } from "./tf.js";

/** A model of layers as the files of a backbone. */
export async function filesOfModel(tf: Tf, model: LayersModel, sidecar: object | null = null): Promise<BackboneFiles> {
  let files: BackboneFiles | null = null;
  const keep = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
    files = {
      modelJson: Buffer.from(JSON.stringify({ modelTopology, weightsManifest: [{ weights: weightSpecs }] })),
      weights: new Uint8Array(weightData as ArrayBuffer),
      sidecar: sidecar && Buffer.from(JSON.stringify(sidecar)),
    };
    return { modelArtifactsInfo: { dateSaved: null as never, modelTopologyType: "JSON" } };
  });
  await model.save(keep);
  return files!;
}

export async function plainTf(): Promise<typeof tf> {
  await tf.setBackend("cpu");
  return tf;
}

/** Every part of the method, at the smallest size that has all four strides. */
export const tinyMethod: MethodConfig = methodConfigSchema.parse({
  imageSize: 32,
  classifier: { microBatches: 3, microBatchSize: 2, cropSize: 32, stride: 8, steps: 2 },
  segmenter: { microBatches: 3, microBatchSize: 2, cropSize: 32, channels: 8, steps: 2, backboneRate: 0.5 },
  mining: { rounds: 0, microBatches: 3, microBatchSize: 2, cropSize: 64, stride: 8, steps: 2 },
  cam: { scales: [1, 2] },
  pamr: { size: 16, dilations: [1, 2] },
  scratch: { widths: [8, 8, 8, 8] },
});

export async function tinyCompute(method: MethodConfig = tinyMethod): Promise<Compute> {
  return createCompute(await plainTf(), { method, seed: 7, classes: ["horse", "zebra"], backbone: null }, null);
}

/** Untrained, but it sees every class somewhere: what exported models are compared on. */
export async function wildCompute(method: MethodConfig = tinyMethod): Promise<Compute> {
  const compute = await tinyCompute(method);
  compute.load({ model: "segmenter", round: 1 }, await wildParams(compute, method));
  return compute;
}

/** Of the first round's segmenter: heads are random, and their biases such that no class is likelier than another on the average. */
export async function wildParams(compute: Compute, method: MethodConfig): Promise<Float32Array> {
  const classifier = { model: "classifier", round: 0 } as const;
  compute.load(classifier, compute.init(classifier).values);
  const stage = { model: "segmenter", round: 1 } as const;
  const { specs, values } = compute.init(stage);
  const rng = new Rng("wild");
  let offset = 0;
  let bias = 0;
  for (const { name, shape } of specs) {
    const size = shape.reduce((product, side) => product * side, 1);
    if (name === "dfn/4/head/kernel") for (let i = 0; i < size; i++) values[offset + i] = 3 * rng.normal();
    if (name === "dfn/4/head/bias") bias = offset;
    offset += size;
  }
  compute.load(stage, values);
  for (const [k, mean] of (await meanLogits(compute, method)).entries()) values[bias + k]! -= mean;
  return values;
}

async function meanLogits(compute: Compute, { imageSize }: MethodConfig): Promise<number[]> {
  const { modelJson, weights } = tfjsModel(compute.graph(), {});
  const { modelTopology, weightsManifest, signature, format } = JSON.parse(modelJson);
  const weightData = new Uint8Array(weights).buffer;
  const artifacts = { modelTopology, weightSpecs: weightsManifest[0].weights, weightData, signature, format };
  const model = await tf.loadGraphModel(tf.io.fromMemory(artifacts));
  const { pixels } = squarePicture(0, [1, 2], false, imageSize);
  const photo = tf.tensor4d(Float32Array.from(pixels), [1, imageSize, imageSize, 3]);
  return (model.predict(photo) as tf.Tensor).log().mean([0, 1, 2]).arraySync() as number[];
}

/** Noise with a bright square of the tag's colour; labelled exactly, or not at all. */
export function squarePicture(image: number, tags: readonly number[], labelled = true, size = 32): LabelledExample {
  const rng = new Rng("picture", image);
  const pixels = Uint8Array.from({ length: size * size * 3 }, () => 60 + rng.integer(40));
  const labels = new Uint8Array(size * size);
  for (const tag of tags) {
    for (let y = 8; y < 24; y++) {
      for (let x = 8; x < 24; x++) {
        pixels[(y * size + x) * 3 + tag - 1] = 240;
        labels[y * size + x] = tag;
      }
    }
  }
  return { image, pixels, tags, labels: labelled ? labels : null };
}

/** Largest difference between the gradient of a function's sum and central differences, over all its inputs. */
export function numericError(engine: Tf, f: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): number {
  const step = 1e-2;
  const total = (...args: Tensor[]) => f(...args).sum() as never;
  const exact = engine.grads(total)([...inputs]);
  let worst = 0;
  inputs.forEach((input, k) => {
    const values = input.dataSync<"float32">();
    const at = (i: number, by: number): number => {
      const moved = values.map((value, j) => (j === i ? value + by : value));
      const args = inputs.map((other, j) => (j === k ? engine.tensor(moved, input.shape) : other));
      return (total(...args) as unknown as Tensor).dataSync()[0]!;
    };
    const gradient = exact[k]!.dataSync();
    for (let i = 0; i < values.length; i++) {
      const numeric = (at(i, step) - at(i, -step)) / (2 * step);
      worst = Math.max(worst, Math.abs(numeric - gradient[i]!));
    }
  });
  return worst;
}
