import { beforeAll, describe, expect, test } from "vitest";
import type { BackboneFiles, GradientJob, TrainStage } from "../../compute/contract.js";
import { createCompute } from "../compute.js";
import { plainTf, squarePicture, tinyMethod } from "../testing.js";
import type { LayersModel, Tf } from "../tf.js";
import { pretrainedBackbone } from "./pretrained.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

const fixedSize = [32, 32, 3];

/** Convolutions of stride 2, each with its ReLU layer; then what a classifier has on top. */
function classifierModel(strides: number): LayersModel {
  const input = tf.input({ shape: fixedSize });
  let x = input;
  for (let i = 0; i < strides; i++) {
    x = tf.layers
      .conv2d({ filters: 4 + i, kernelSize: 3, strides: 2, padding: "same", name: `c${i}` })
      .apply(x) as never;
    x = tf.layers.reLU({ maxValue: 6, name: `r${i}` }).apply(x) as never;
  }
  x = tf.layers.globalAveragePooling2d({}).apply(x) as never;
  return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 2, activation: "softmax" }).apply(x) as never });
}

async function filesOf(model: LayersModel, sidecar?: unknown): Promise<BackboneFiles> {
  let files: BackboneFiles | null = null;
  const handler = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
    const json = { modelTopology, weightsManifest: [{ paths: ["w"], weights: weightSpecs }] };
    files = {
      modelJson: new TextEncoder().encode(JSON.stringify(json)),
      weights: new Uint8Array(weightData as ArrayBuffer),
      sidecar: sidecar === undefined ? null : new TextEncoder().encode(JSON.stringify(sidecar)),
    };
    return { modelArtifactsInfo: { dateSaved: null as never, modelTopologyType: "JSON" } };
  });
  await model.save(handler);
  return files!;
}

describe("a backbone from a file", () => {
  test("its taps are the last activations at strides 4, 8, 16 and 32, at any image size", async () => {
    const backbone = await pretrainedBackbone(tf, await filesOf(classifierModel(5)), 0);
    expect(backbone.channels).toEqual([5, 6, 7, 8]);
    const taps = backbone.taps(tf.zeros([2, 64, 96, 3]), () => tf.scalar(0));
    expect(taps.map(({ shape }) => shape)).toEqual([
      [2, 16, 24, 5],
      [2, 8, 12, 6],
      [2, 4, 6, 7],
      [2, 2, 3, 8],
    ]);
  });

  test("seedgrow.json may name the taps and the range of pixels", async () => {
    const model = classifierModel(5);
    const sidecar = { scale: 1, offset: 0, taps: ["c1", "r2", "r3", "r4"] };
    const plain = await pretrainedBackbone(tf, await filesOf(model), 0);
    const scaled = await pretrainedBackbone(tf, await filesOf(model, sidecar), 0);
    const bytes = tf.fill([1, 32, 32, 3], 255);
    const [expected] = plain.taps(bytes as never, () => tf.scalar(0));
    const [linear] = scaled.taps(bytes.div(127.5).sub(1) as never, () => tf.scalar(0));
    expect(linear!.relu6().sub(expected!).abs().max().dataSync()[0]).toBeLessThan(1e-3);
  });

  test("says which stride is missing, and what there is", async () => {
    const files = await filesOf(classifierModel(4));
    await expect(pretrainedBackbone(tf, files, 0)).rejects.toMatchObject({
      code: "BACKBONE_INVALID",
      message: "the backbone has no activation at stride 32; strides found: 2, 4, 8, 16",
    });
  });

  test("says so when the file is no model, or the sidecar no sidecar", async () => {
    const garbage = { modelJson: new TextEncoder().encode("{"), weights: new Uint8Array(0), sidecar: null };
    await expect(pretrainedBackbone(tf, garbage, 0)).rejects.toMatchObject({ code: "BACKBONE_INVALID" });
    const files = await filesOf(classifierModel(5), { tap: [] });
    await expect(pretrainedBackbone(tf, files, 0)).rejects.toMatchObject({ code: "BACKBONE_INVALID" });
  });
});

describe("training on top", () => {
  const round1: TrainStage = { model: "segmenter", round: 1 };
  const job: GradientJob = {
    stage: round1,
    step: 0,
    leafCount: 1,
    microBatches: [{ leaf: 0, examples: [squarePicture(0, [1])] }],
  };

  async function computeWith(backboneRate: number) {
    const method = { ...tinyMethod, segmenter: { ...tinyMethod.segmenter, backboneRate } };
    const backbone = await filesOf(classifierModel(5));
    return createCompute(tf, { method, seed: 1, classes: ["horse"], backbone });
  }

  test("a frozen backbone has no parameters to train", async () => {
    const compute = await computeWith(0);
    const { specs } = compute.init(round1);
    expect(specs.filter(({ name }) => name.startsWith("backbone/"))).toEqual([]);
    compute.dispose();
  });

  test("a fine-tuned one starts from its file, learns at its own rate, and leaves the classifier's alone", async () => {
    const compute = await computeWith(0.1);
    const { specs, values } = compute.init(round1);
    const own = specs.filter(({ name }) => name.startsWith("backbone/"));
    expect(own.map(({ name }) => name)).toContain("backbone/c0/kernel");
    expect(own.every(({ learningRateScale }) => learningRateScale === 0.1)).toBe(true);
    const classifier: TrainStage = { model: "classifier", round: 0 };
    compute.load(classifier, compute.init(classifier).values);
    const before = compute.seeds([squarePicture(0, [1])]);
    compute.load(
      round1,
      values.map((value) => value * 1.5),
    );
    const [sum] = compute.gradients(job);
    expect(sum!.values.slice(0, 3 * 3 * 3 * 4).some((g) => g !== 0)).toBe(true);
    expect(compute.seeds([squarePicture(0, [1])])).toEqual(before);
    compute.dispose();
  });
});
