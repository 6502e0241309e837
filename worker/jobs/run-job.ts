/** One entry for every job of the contract (proto/seedgrow/v1/worker.proto). */
import { stageOptions } from "../../shared/config/stage-options.js";
import { AppError } from "../../shared/errors.js";
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import type { GradientJob__Output } from "../../shared/gen/seedgrow/v1/GradientJob.js";
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import type { TrainStage } from "../compute/contract.js";
import { type JobContext, type JobResult, stageOf } from "./context.js";
import { applyJob, reduceJob } from "./exchange.js";
import { localJob } from "./local.js";
import { evaluateJob, refineJob, seedJob } from "./shards.js";
import { fetchAhead } from "./shards-ahead.js";
import { gradientJob, initJob, prefetch } from "./train.js";

export async function runJob(context: JobContext, request: WorkRequest__Output): Promise<JobResult> {
  const stage = stageOf(request.stage);
  const weights = request.weightsDigest;
  // Another kind of work: the stage is over, and so is its model's training.
  if (!request.exchange) context.exchange.clear();
  if (request.init) return initJob(context, stage, request.init);
  if (request.gradient) {
    rejectUnlessPossible(context, stage, request.gradient);
    const running = gradientJob(context, stage, weights, request.gradient, request);
    prefetch(context, stage, request.gradient).catch(() => undefined);
    return running;
  }
  if (request.local) return localJob(context, stage, weights, request.local, request);
  if (request.reduce) return reduceJob(context, stage, exchangeOf(request), request.reduce);
  if (request.apply) return applyJob(context, stage, weights, exchangeOf(request), request.apply);
  fetchAhead(context, request);
  if (request.seed) return seedJob(context, stage, weights, request.seed);
  if (request.refine) return refineJob(context, stage, weights, request.refine);
  if (request.evaluate) return evaluateJob(context, stage, weights, request.evaluate);
  throw new AppError("MESSAGE_INVALID", `work ${request.key} names no job`);
}

/** @throws AppError MESSAGE_INVALID */
function exchangeOf({ key, exchange }: WorkRequest__Output): Exchange__Output {
  if (!exchange) throw new AppError("MESSAGE_INVALID", `work ${key} says nothing of the exchange it belongs to`);
  return exchange;
}

/** A number out of range would be computed for hours, or asked memory for. @throws AppError MESSAGE_INVALID */
function rejectUnlessPossible({ setup }: JobContext, stage: TrainStage, job: GradientJob__Output): void {
  const { leafFirst, leafEnd, leafCount, step } = job;
  const { leafCount: microBatches, steps } = stageOptions(setup.method, stage);
  if (leafCount === microBatches && leafFirst < leafEnd && leafEnd <= leafCount && step < steps) return;
  const asked = `micro-batches ${leafFirst} to ${leafEnd} of ${leafCount} in step ${step}`;
  throw new AppError(
    "MESSAGE_INVALID",
    `asked for ${asked}; the ${stage.model} has ${microBatches} in each of ${steps} steps`,
  );
}
