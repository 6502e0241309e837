/** The jobs over shards: seeds, refined labels, evaluation. */
import { type ByteMap, decodeMapPack, encodeMapPack } from "../../shared/codec/map-pack.js";
import { type RoundConstraints, respecting, trainable } from "../../shared/data/constraints.js";
import type { EvaluateJob__Output } from "../../shared/gen/seedgrow/v1/EvaluateJob.js";
import type { RefineJob__Output } from "../../shared/gen/seedgrow/v1/RefineJob.js";
import type { SeedJob__Output } from "../../shared/gen/seedgrow/v1/SeedJob.js";
import { ellipseLabels } from "../../shared/math/ellipse.js";
import { countImage, emptyCounts } from "../../shared/math/scores.js";
import type { RefineExample, RefineResult, SeedResult, TrainStage } from "../compute/contract.js";
import { changedShare } from "../segmentation/labels.js";
import { examplesOf, type JobContext, type JobResult, shardOf, useWeights } from "./context.js";
import { maskOf, measureSquare } from "./measure.js";

export async function seedJob(
  context: JobContext,
  stage: TrainStage,
  weightsDigest: string,
  job: SeedJob__Output,
): Promise<JobResult> {
  await useWeights(context, stage, weightsDigest);
  const images = shardOf(context, "train", job.shard);
  const { result: seeds, computeMs } = await context.compute.call("seeds", await examplesOf(context, "train", images));
  const size = context.setup.method.imageSize;
  const measured = await measureSquare(
    context,
    seeds.map((seed) => {
      const entry = context.images.entry("train", seed.image);
      const ellipse = ellipseLabels(size, size, entry.tags);
      return { entry, maps: { cam: seed.camLabels, labels: seed.labels, ellipse } };
    }),
  );
  const outputs = [
    { name: "cam", bytes: encodeMapPack(seeds.map((seed) => camMap(seed))) },
    { name: "labels", bytes: encodeMapPack(seeds.map((seed) => labelMap(seed, size))) },
  ];
  return { outputs, metrics: { ...measured, doubtful: doubtful(context, seeds) }, images: seeds.length, computeMs };
}

/** Images whose own tag the classifier does not see at all: a wrong tag, or an object too small. */
function doubtful(context: JobContext, seeds: readonly SeedResult[]) {
  return seeds.flatMap(({ image, scores }) => {
    const { tags, path } = context.images.entry("train", image);
    return tags.some((tag) => scores[tag - 1]! < 0.1) ? [{ path, scores }] : [];
  });
}

function camMap({ image, cam, camHeight, camWidth }: SeedResult): ByteMap {
  const channels = cam.length / (camHeight * camWidth);
  return { image, height: camHeight, width: camWidth, channels, data: cam };
}

function labelMap({ image, labels }: { image: number; labels: Uint8Array }, size: number): ByteMap {
  return { image, height: size, width: size, channels: 1, data: labels };
}

export async function refineJob(
  context: JobContext,
  stage: TrainStage,
  weightsDigest: string,
  job: RefineJob__Output,
): Promise<JobResult> {
  await useWeights(context, stage, weightsDigest);
  const images = shardOf(context, "train", job.shard);
  const corrections = await context.corrections.round(job.correctionsDigest);
  const examples = await refineExamples(context, images, job, corrections);
  const { result, computeMs } = await context.compute.call("refine", stage, examples);
  const refined = corrections.size > 0 ? await corrected(context, job, result, corrections) : result;
  const size = context.setup.method.imageSize;
  const entryOf = (image: number) => context.images.entry("train", image);
  const measured = await measureSquare(
    context,
    refined.map(({ image, labels }) => ({ entry: entryOf(image), maps: { labels } })),
  );
  const kept = refined.flatMap(({ image, kept }) => (kept ? [{ path: entryOf(image).path, reason: kept }] : []));
  const changedSum = refined.reduce((sum, { changed }) => sum + changed, 0);
  const outputs = [{ name: "labels", bytes: encodeMapPack(refined.map((result) => labelMap(result, size))) }];
  return { outputs, metrics: { ...measured, kept, changedSum }, images: refined.length, computeMs };
}

/** What a person fixed stands, whatever the network and the updater made of it. */
async function corrected(
  context: JobContext,
  job: RefineJob__Output,
  results: readonly RefineResult[],
  corrections: RoundConstraints,
): Promise<readonly RefineResult[]> {
  const before = await context.labels.version(job.labelsDigest);
  return results.map((result) => {
    const constraint = corrections.get(result.image);
    if (!constraint) return result;
    const labels = respecting(result.labels, constraint);
    return { ...result, labels, changed: changedShare(before.get(result.image)!.data, labels) };
  });
}

async function refineExamples(
  context: JobContext,
  images: readonly number[],
  job: RefineJob__Output,
  corrections: RoundConstraints,
): Promise<RefineExample[]> {
  const [camPack, labels, examples] = await Promise.all([
    context.pack(job.camDigest),
    context.labels.version(job.labelsDigest),
    examplesOf(context, "train", images, corrections),
  ]);
  const cams = new Map(decodeMapPack(camPack).map((map) => [map.image, map]));
  return examples.map((example) => {
    const cam = cams.get(example.image)!;
    const old = labels.get(example.image)!.data;
    const whole = { ...example, cam: cam.data, camHeight: cam.height, camWidth: cam.width, labels: old };
    const constraint = corrections.get(example.image);
    if (!constraint) return whole;
    const { tags } = context.images.entry("train", example.image);
    const fitted = camOfTags(cam, tags, example.tags);
    return { ...whole, cam: fitted, labels: trainable(old, constraint), isRejected: constraint.isRejected };
  });
}

/** The CAM has a plane per tag that the photo came with; a tag that a person added has none yet. */
function camOfTags(cam: ByteMap, from: readonly number[], to: readonly number[]): Uint8Array {
  const planes = to.map((tag) => from.indexOf(tag));
  const out = new Uint8Array(cam.height * cam.width * to.length);
  for (let i = 0; i < cam.height * cam.width; i++) {
    for (const [k, plane] of planes.entries()) {
      if (plane >= 0) out[i * to.length + k] = cam.data[i * cam.channels + plane]!;
    }
  }
  return out;
}

export async function evaluateJob(
  context: JobContext,
  stage: TrainStage,
  weightsDigest: string,
  job: EvaluateJob__Output,
): Promise<JobResult> {
  await useWeights(context, stage, weightsDigest);
  const images = shardOf(context, "val", job.shard).filter((image) => {
    return context.images.entry("val", image).maskDigest !== null;
  });
  const classCount = context.setup.classes.length;
  const withContours = () => emptyCounts(classCount, { contours: true });
  const counts = { free: withContours(), gated: withContours(), ellipse: emptyCounts(classCount) };
  let computeMs = 0;
  for (const image of images) {
    const entry = context.images.entry("val", image);
    const { width, height, tags } = entry;
    const truth = (await maskOf(context, entry))!;
    const asked = { image, pixels: await context.images.pixels("val", image), width, height };
    const examples = [
      { ...asked, allowed: null },
      { ...asked, allowed: tags },
    ];
    const predicted = await context.compute.call("predict", examples);
    computeMs += predicted.computeMs;
    countImage(counts.free, truth, predicted.result[0]!.labels, width, height);
    countImage(counts.gated, truth, predicted.result[1]!.labels, width, height);
    countImage(counts.ellipse, truth, ellipseLabels(width, height, tags), width, height);
  }
  return { outputs: [], metrics: counts, images: images.length, computeMs };
}
