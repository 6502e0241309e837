/** The training jobs: initial parameters of a stage, and gradient sums of a run of micro-batches. */
import { byChecksum, bySha256 } from "../../shared/codec/checksum.js";
import { bytesOf } from "../../shared/codec/digest.js";
import { methodOfRound } from "../../shared/config/rounds.js";
import { type RoundConstraints, trainable } from "../../shared/data/constraints.js";
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import type { GradientJob__Output } from "../../shared/gen/seedgrow/v1/GradientJob.js";
import type { InitJob__Output } from "../../shared/gen/seedgrow/v1/InitJob.js";
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import { type RoundingKey, sumAsSent, type TakeBytes } from "../../shared/math/rounding.js";
import { coverRange, nodeKey, openSumsMax } from "../../shared/math/tree-sum.js";
import { sumTailFloats } from "../../shared/math/wire.js";
import type { LabelledExample, MicroBatch, PartialSum, TrainStage } from "../compute/contract.js";
import type { SumMemory } from "../exchange/sum-memory.js";
import { imagesOfMicroBatch } from "../training/sampling.js";
import { examplesOf, type JobContext, type JobOutput, type JobResult, useWeights } from "./context.js";
import { keepSums, undone } from "./exchange.js";
import { gradientSums } from "./gradient-sums.js";

export async function initJob(context: JobContext, stage: TrainStage, job: InitJob__Output): Promise<JobResult> {
  await useWeights(context, { model: "classifier", round: 0 }, job.classifierDigest);
  const { result, computeMs } = await context.compute.call("init", stage);
  const outputs = [
    { name: "specs", bytes: Buffer.from(JSON.stringify(result.specs)) },
    { name: "params", bytes: bytesOf(result.values) },
  ];
  return { outputs, metrics: {}, images: 0, computeMs };
}

/** `exchange`: the model is held by the workers, and so are the sums. */
export async function gradientJob(
  context: JobContext,
  stage: TrainStage,
  weightsDigest: string,
  job: GradientJob__Output,
  { key, exchange: of, change, checksums }: Pick<WorkRequest__Output, "key" | "exchange" | "change" | "checksums">,
): Promise<JobResult> {
  const { exchange } = context;
  if (of) exchange.enter(of);
  const synced = of ? await exchange.begin(of, stage, weightsDigest) : null;
  if (synced && synced.missing.length > 0) return undone(synced.missing);
  const [[microBatches, inputAtMs], [count, weightsAtMs]] = await Promise.all([
    arrival(microBatchesOf(context, stage, job, leavesOf(job))),
    arrival(
      useWeights(context, stage, weightsDigest, { held: synced ? exchange.model.parts.values : undefined, change }),
    ),
  ]);
  const inputMs = Math.max(0, inputAtMs - weightsAtMs);
  const { leafCount, step } = job;
  const { setup, sums: memory } = context;
  const { wire } = setup;
  const rooms = memory.take(openSumsMax(microBatches.length), count + sumTailFloats);
  const asked = { stage, step, leafCount, microBatches, wire, rooms };
  const growing = of && wire === "f32" ? growingSum(context, of, job, key, rooms) : null;
  const computing = gradientSums(context.compute, growing ? { ...asked, progress: growing.progress } : asked);
  // Beside the computing, which has begun: nothing is there to be pulled yet.
  if (of && job.ahead) exchange.ahead.follow(of, job.ahead);
  const [{ sums, left, computeMs }, { result: stats }] = await Promise.all([
    computing.catch(growing?.fail),
    context.compute.call("stats"), // answered next: nobody waits for it
  ]);
  if (growing) memory.giveProgress(growing.progress);
  const images = microBatches.reduce((sum, { examples }) => sum + examples.length, 0);
  for (const room of left) memory.give(room);
  const release = () => {
    for (const { room, values } of sums) if (room !== undefined) memory.give(values);
  };
  if (of && synced) {
    const { outputs, metrics } = keepSums(exchange, of, stage, key, sums, release);
    const own = { ...metrics, tensors: stats.tensors, inputMs, pulledBytes: synced.bytes };
    return { outputs, metrics: own, images, computeMs };
  }
  const rounding = { wire, seed: setup.seed, stage, step };
  const sent = sentSums(memory, rounding, sums, checksums, release);
  return { ...sent, metrics: { tensors: stats.tensors, inputMs }, images, computeMs };
}

/** Sums for the coordinator. Rounded ones are written elsewhere, so that nobody needs their own memory any more (`release`). */
export function sentSums(
  memory: SumMemory,
  rounding: RoundingKey,
  sums: readonly PartialSum[],
  hasChecksums: boolean,
  release: () => void,
): Pick<JobResult, "outputs" | "release"> {
  const take = (length: number) => memory.takeBytes(length);
  const outputs = sums.map((sum) => sumOutput(rounding, sum, hasChecksums, take));
  if (rounding.wire === "f32") return { outputs, release };
  release();
  const giveBack = () => {
    for (const { bytes } of outputs) memory.giveBytes(bytes);
  };
  return { outputs, release: giveBack };
}

/** An engine may say more than one part of a parameter. */
const progressPartsMin = 64;

/**
 * Others get the gradient of a single micro-batch while it is written. Of several micro-batches the engine writes no sum, but does
 * as it always does: what it has compiled for the one is good for the other.
 */
function growingSum(
  { exchange, sums }: JobContext,
  of: Exchange__Output,
  { leafFirst, leafEnd, leafCount }: GradientJob__Output,
  key: string,
  [room]: readonly Float32Array[],
) {
  const progress = sums.takeProgress(Math.max(progressPartsMin, exchange.model.specs.length + sumTailFloats));
  const [node] = coverRange({ first: leafFirst, end: leafEnd }, leafCount);
  if (leafEnd - leafFirst === 1 && room) exchange.grow(of, node!, key, room, progress);
  const fail = (error: unknown): never => {
    // Whoever computes may still write to it: it is not used again.
    exchange.stopGrowing();
    throw error;
  };
  return { progress, fail };
}

/** A sum as the coordinator takes it, named while it is written. */
export function sumOutput(rounding: RoundingKey, sum: PartialSum, hasChecksum: boolean, take?: TakeBytes): JobOutput {
  const naming = hasChecksum ? byChecksum() : bySha256();
  const bytes = sumAsSent(rounding, sum, take, (part) => void naming.update(part));
  return { name: nodeKey(sum.node), bytes, digest: naming.digest("hex") };
}

/** With when it came, milliseconds. */
async function arrival<T>(coming: Promise<T>): Promise<[T, number]> {
  return [await coming, performance.now()];
}

/** With one, threads would have nothing to decode while the last photos of a step are waited for. */
const stepsAhead = 2;

/** Decodes the photos of the same micro-batches of the next steps while this one computes. */
export async function prefetch(context: JobContext, stage: TrainStage, job: GradientJob__Output): Promise<void> {
  const corrections = await context.corrections.round(job.correctionsDigest);
  const wanted = Array.from({ length: stepsAhead }, (_, i) =>
    leavesOf(job).flatMap((leaf) => imagesAt(context, stage, job.step + 1 + i, leaf, corrections)),
  );
  context.images.loadAhead("train", wanted.flat());
}

function leavesOf({ leafFirst, leafEnd }: GradientJob__Output): number[] {
  return leavesBetween(leafFirst, leafEnd);
}

export function leavesBetween(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, i) => first + i);
}

function imagesAt(
  context: JobContext,
  stage: TrainStage,
  step: number,
  leaf: number,
  corrections: RoundConstraints,
): number[] {
  const tags = context.manifest.train.images.map((entry, image) => corrections.get(image)?.tags ?? entry.tags);
  const method = methodOfRound(context.setup.method, stage.round);
  return imagesOfMicroBatch({ method, seed: context.setup.seed, tags, stage, step, leaf });
}

/** What micro-batches of a step are made of. */
export type Drawn = Pick<GradientJob__Output, "step" | "labelsDigest" | "correctionsDigest">;

export async function microBatchesOf(
  context: JobContext,
  stage: TrainStage,
  job: Drawn,
  leaves: readonly number[],
): Promise<MicroBatch[]> {
  const corrections = await context.corrections.round(job.correctionsDigest);
  return Promise.all(leaves.map((leaf) => microBatch(context, stage, job, leaf, corrections)));
}

async function microBatch(
  context: JobContext,
  stage: TrainStage,
  job: Drawn,
  leaf: number,
  corrections: RoundConstraints,
): Promise<MicroBatch> {
  const images = imagesAt(context, stage, job.step, leaf, corrections);
  const labels = job.labelsDigest === "" ? null : await context.labels.version(job.labelsDigest);
  const examples = await examplesOf(context, "train", images, corrections);
  return {
    leaf,
    examples: examples.map((example): LabelledExample => {
      const own = labels ? labels.get(example.image)!.data : null;
      const constraint = corrections.get(example.image);
      return { ...example, labels: own && constraint ? trainable(own, constraint) : own };
    }),
  };
}
