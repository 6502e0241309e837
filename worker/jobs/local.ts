/** A replica's local steps: AdamW on this worker, from given parameters; only what they moved by leaves it. */
import { MemoryFloats } from "../../shared/aggregate/floats.js";
import { Replica } from "../../shared/aggregate/replica.js";
import { stageOptions } from "../../shared/config/stage-options.js";
import { type ParamSpecs, parseParamSpecs } from "../../shared/data/param-specs.js";
import { AppError } from "../../shared/errors.js";
import type { LocalJob__Output } from "../../shared/gen/seedgrow/v1/LocalJob.js";
import { openSumsMax } from "../../shared/math/tree-sum.js";
import { addInto } from "../../shared/math/vectors.js";
import { sumTailFloats } from "../../shared/math/wire.js";
import type { MicroBatch, PartialSum, TrainStage } from "../compute/contract.js";
import type { ReplicaArrays } from "../exchange/replica-room.js";
import type { JobContext, JobResult } from "./context.js";
import { gradientSums } from "./gradient-sums.js";
import { leavesBetween, microBatchesOf, sentSums } from "./train.js";

interface Taken {
  readonly losses: number[];
  images: number;
  computeMs: number;
  inputMs: number;
}

export async function localJob(
  context: JobContext,
  stage: TrainStage,
  weightsDigest: string,
  job: LocalJob__Output,
  { checksums = false }: { readonly checksums?: boolean } = {},
): Promise<JobResult> {
  const leafCount = rejectUnlessPossible(context, stage, job);
  let coming = microBatches(context, stage, job, leafCount, 0);
  coming.catch(() => undefined);
  const [start, specs] = await Promise.all([
    context.base.values(weightsDigest, null, stage.model),
    context.pull(job.specsDigest).then(parseParamSpecs),
  ]);
  const arrays = context.room.of(start.length, openSumsMax(leafCount / job.replicas));
  const replica = freshReplica(context, stage, specs, start, arrays);
  const { values } = replica;
  const taken: Taken = { losses: [], images: 0, computeMs: 0, inputMs: 0 };
  // Whatever is loaded is not what a digest names any more.
  context.loaded.delete(stage.model);
  try {
    for (let i = 0; i < job.steps; i++) {
      if (context.closed.aborted) throw new AppError("LEASE_LOST", "freed while a replica took its steps");
      const ready = await timed(coming);
      taken.inputMs += ready.ms;
      if (i + 1 < job.steps) coming = microBatches(context, stage, job, leafCount, i + 1);
      coming.catch(() => undefined);
      await takeStep(
        context,
        stage,
        { replica, step: job.step + i, leafCount, batches: ready.value, rooms: arrays.sums },
        taken,
      );
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "TRAINING_DIVERGED") throw error;
    const notFinite = `replica ${job.replica}: ${error.message}`.slice(0, 200);
    return { outputs: [], metrics: { notFinite }, images: taken.images, computeMs: taken.computeMs };
  }
  const [moved] = context.sums.take(1, start.length + sumTailFloats);
  moveOf(start, values, taken, moved!);
  return resultOf(context, stage, job, moved!, { ...taken, checksums });
}

/** Its moments begin at zero in every round, its bias correction as well: docs/DECISIONS.md has what that costs. */
function freshReplica(
  { setup, helpers }: JobContext,
  stage: TrainStage,
  specs: ParamSpecs,
  start: Float32Array,
  { values, first, second }: ReplicaArrays,
): Replica {
  values.set(start);
  const optimizer = { steps: 0, first: new MemoryFloats(first.fill(0)), second: new MemoryFloats(second.fill(0)) };
  return new Replica(specs, { values, optimizer, average: null }, stageOptions(setup.method, stage), { helpers });
}

interface Step {
  readonly replica: Replica;
  readonly step: number;
  readonly leafCount: number;
  readonly batches: readonly MicroBatch[];
  /** For its gradient sums. */
  readonly rooms: readonly Float32Array[];
}

async function takeStep(
  { compute }: JobContext,
  stage: TrainStage,
  { replica, step, leafCount, batches, rooms }: Step,
  taken: Taken,
): Promise<void> {
  const { values } = replica;
  await compute.call("load", stage, values);
  const { sums, computeMs } = await gradientSums(compute, { stage, step, leafCount, microBatches: batches, rooms });
  const fromMs = performance.now();
  const loss = await replica.update(new MemoryFloats(sumOf(sums)), step);
  taken.losses.push(loss);
  taken.images += batches.reduce((sum, { examples }) => sum + examples.length, 0);
  taken.computeMs += computeMs + performance.now() - fromMs;
}

/** In the tree's order: the replica's micro-batches are always the same, and so are their nodes. */
function sumOf(sums: readonly PartialSum[]): Float32Array {
  const [first, ...rest] = sums;
  const total = first!.values;
  for (const { values } of rest) addInto(total, values);
  return total;
}

/** Old minus new parameters, the sum of the losses, and how many images they are of: to `moved`. */
function moveOf(start: Float32Array, values: Float32Array, { losses, images }: Taken, moved: Float32Array): void {
  for (let i = 0; i < values.length; i++) moved[i] = start[i]! - values[i]!;
  moved[values.length] = (losses.reduce((sum, loss) => sum + loss, 0) / losses.length) * images;
  moved[values.length + 1] = images;
}

async function resultOf(
  { compute, setup, sums }: JobContext,
  stage: TrainStage,
  { step, replica }: LocalJob__Output,
  moved: Float32Array,
  { losses, images, computeMs, inputMs, checksums }: Taken & { readonly checksums: boolean },
): Promise<JobResult> {
  const node = { level: 0, index: replica };
  const { result: stats } = await compute.call("stats");
  const rounding = { ...setup, stage, step };
  const release = () => sums.give(moved);
  const sent = sentSums(sums, rounding, [{ node, values: moved, due: node }], checksums, release);
  return { ...sent, metrics: { tensors: stats.tensors, inputMs, losses }, images, computeMs };
}

async function microBatches(
  context: JobContext,
  stage: TrainStage,
  job: LocalJob__Output,
  leafCount: number,
  i: number,
): Promise<MicroBatch[]> {
  const share = leafCount / job.replicas;
  const leaves = leavesBetween(job.replica * share, (job.replica + 1) * share);
  return microBatchesOf(context, stage, { ...job, step: job.step + i }, leaves);
}

async function timed<T>(coming: Promise<T>): Promise<{ value: T; ms: number }> {
  const fromMs = performance.now();
  return { value: await coming, ms: performance.now() - fromMs };
}

/** Micro-batches of a step. A number out of range would be computed for hours. @throws AppError MESSAGE_INVALID */
function rejectUnlessPossible({ setup }: JobContext, stage: TrainStage, job: LocalJob__Output): number {
  const { leafCount, steps: stageSteps } = stageOptions(setup.method, stage);
  const { step, steps, replica, replicas } = job;
  const isPossible = steps > 0 && step + steps <= stageSteps && replica < replicas && leafCount % replicas === 0;
  if (isPossible) return leafCount;
  const asked = `steps ${step} to ${step + steps} of replica ${replica} of ${replicas}`;
  throw new AppError(
    "MESSAGE_INVALID",
    `asked for ${asked}; the ${stage.model} takes ${stageSteps} of ${leafCount} micro-batches`,
  );
}
