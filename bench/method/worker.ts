/** One compute process of the bench: what a worker's compute thread does, without the cluster around it. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MethodConfig } from "../../shared/config/method.js";
import { methodOfRound } from "../../shared/config/rounds.js";
import type { Compute, GradientJob, PredictExample, TrainStage } from "../../worker/compute/contract.js";
import { requestedEngine } from "../../worker/engine/environment.js";
import { loadEngine } from "../../worker/engine/load.js";
import { createCompute } from "../../worker/segmentation/compute.js";
import { imagesOfMicroBatch } from "../../worker/training/sampling.js";
import { loadPhotos, type Photos } from "./photos.js";

export interface BenchSetup {
  readonly method: MethodConfig;
  readonly seed: number;
  readonly data: string;
  readonly backbone: string | null;
}

export type BenchRequest =
  | { readonly call: "setup"; readonly setup: BenchSetup }
  | { readonly call: "init"; readonly stage: TrainStage }
  | { readonly call: "load"; readonly stage: TrainStage; readonly values: Float32Array }
  | { readonly call: "labels"; readonly labels: readonly Uint8Array[] }
  | {
      readonly call: "gradients";
      readonly stage: TrainStage;
      readonly step: number;
      readonly leaves: readonly number[];
    }
  | { readonly call: "seeds"; readonly images: readonly number[] }
  | { readonly call: "refine"; readonly stage: TrainStage; readonly images: readonly number[] }
  | { readonly call: "predict"; readonly images: readonly number[] }
  | { readonly call: "stats" };

let setup: BenchSetup;
let photos: Photos;
let compute: Compute;
let labels: readonly Uint8Array[] = [];
/** Anchors of the seeds this process did not compute come with the "labels" of seeding; here each keeps its own. */
const cams = new Map<number, { cam: Uint8Array; camHeight: number; camWidth: number }>();

async function start(wanted: BenchSetup): Promise<string> {
  setup = wanted;
  const { tf, device, compile = null } = await loadEngine({ engine: requestedEngine(process.env), threads: 1 });
  photos = await loadPhotos(setup.data, setup.method.imageSize);
  const read = (file: string) => new Uint8Array(readFileSync(join(setup.backbone!, file)));
  const backbone = setup.backbone
    ? { modelJson: read("model.json"), weights: read("weights.bin"), sidecar: null }
    : null;
  const { method, seed } = setup;
  compute = await createCompute(tf, { method, seed, classes: photos.classes, backbone }, compile);
  return device;
}

function example(image: number) {
  const { pixels, tags } = photos.train[image]!;
  return { image, pixels, tags };
}

async function gradients(stage: TrainStage, step: number, leaves: readonly number[]) {
  const tags = photos.train.map((photo) => photo.tags);
  const microBatches = leaves.map((leaf) => {
    const images = imagesOfMicroBatch({
      method: methodOfRound(setup.method, stage.round),
      seed: setup.seed,
      tags,
      stage,
      step,
      leaf,
    });
    return { leaf, examples: images.map((image) => ({ ...example(image), labels: labels[image] ?? null })) };
  });
  const job: GradientJob = {
    stage,
    step,
    leafCount: methodOfRound(setup.method, stage.round)[stage.model].microBatches,
    microBatches,
  };
  return await compute.gradients(job);
}

async function seeds(images: readonly number[]) {
  const results = await compute.seeds(images.map(example));
  for (const { image, cam, camHeight, camWidth } of results) cams.set(image, { cam, camHeight, camWidth });
  return results;
}

async function refine(stage: TrainStage, images: readonly number[]) {
  const missing = (image: number) => {
    const size = 1;
    return { cam: new Uint8Array(photos.train[image]!.tags.length), camHeight: size, camWidth: size };
  };
  const examples = images.map((image) => {
    return { ...example(image), ...(cams.get(image) ?? missing(image)), labels: labels[image]! };
  });
  return await compute.refine(stage, examples);
}

async function predict(images: readonly number[]) {
  const examples = images.map((image): PredictExample => {
    const { pixels, width, height } = photos.val[image]!;
    return { image, pixels, width, height, allowed: null };
  });
  return await compute.predict(examples);
}

async function answer(request: BenchRequest): Promise<unknown> {
  if (request.call === "setup") return start(request.setup);
  if (request.call === "init") return compute.init(request.stage);
  if (request.call === "load") return compute.load(request.stage, request.values);
  if (request.call === "gradients") return gradients(request.stage, request.step, request.leaves);
  if (request.call === "seeds") return seeds(request.images);
  if (request.call === "refine") return refine(request.stage, request.images);
  if (request.call === "predict") return predict(request.images);
  if (request.call === "stats") return compute.stats();
  labels = request.labels;
  return null;
}

process.on("message", ({ id, request }: { id: number; request: BenchRequest }) => {
  answer(request).then(
    (result) => process.send!({ id, result }),
    (thrown: unknown) => process.send!({ id, error: thrown instanceof Error ? thrown.stack : String(thrown) }),
  );
});
