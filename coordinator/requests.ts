/** Turns an assignment into the command that a worker gets. Pure. */
import { unreachable } from "../shared/assert.js";
import type { WorkRequest } from "../shared/gen/seedgrow/v1/WorkRequest.js";
import type { Purpose } from "./core/events.js";
import { type Phase, stepsFrom } from "./core/plan.js";
import type { Assignment } from "./core/work-pool.js";
import { aheadOf, applyJob, type ExchangeFacts, exchangeOf, reduceJob } from "./exchange-requests.js";
import type { WeightsChange } from "./training.js";

/** Digests that work refers to; empty string: none yet. */
export interface RunDigests {
  /** Parameters of the stage being trained, or of the model that a map phase applies. */
  readonly weights: string;
  /** How those follow from the parameters of the step before; null: they do not, or are sent whole. */
  readonly change: WeightsChange | null;
  readonly classifier: string;
  /** Catalogue of the current label version. */
  readonly labels: string;
  /** Constraints of the round. */
  readonly corrections: string;
  /** CAM pack per training shard. */
  readonly cams: readonly string[];
  /** Layout of the parameters being trained; only local training tells it. */
  readonly specs: string;
  /** Sums of the step are to be named by checksums. */
  readonly checksums: boolean;
}

export interface WorkOrder {
  readonly assignment: Assignment;
  readonly phase: Phase;
  readonly purpose: Purpose;
}

export function stageOf(phase: Phase): { model: "classifier" | "segmenter"; round: number } {
  const model = phase.kind === "classify" || phase.kind === "seed" ? "classifier" : "segmenter";
  return { model, round: phase.round };
}

/** `exchange`: of a step of sharded training. */
export function requestFor(order: WorkOrder, digests: RunDigests, exchange: ExchangeFacts | null = null): WorkRequest {
  const { assignment, phase, purpose } = order;
  const base = { key: assignment.id, stage: stageOf(phase) };
  if (purpose.kind === "init") {
    const classifierDigest = phase.kind === "train" ? digests.classifier : "";
    return { ...base, weightsDigest: "", init: { classifierDigest }, job: "init" };
  }
  const withWeights = { ...base, weightsDigest: digests.weights };
  if (purpose.kind === "step") {
    const { step } = purpose;
    const labelsDigest = phase.kind === "train" ? digests.labels : "";
    const correctionsDigest = phase.kind === "train" ? digests.corrections : "";
    const { units, localSteps } = phase;
    if (localSteps !== undefined) {
      const which = { step, steps: stepsFrom(phase, step), replica: assignment.first, replicas: units };
      const local = { ...which, specsDigest: digests.specs, labelsDigest, correctionsDigest };
      return { ...withWeights, checksums: digests.checksums, local, job: "local" };
    }
    const leaves = { leafFirst: assignment.first, leafEnd: assignment.end, leafCount: units };
    const gradient = { step, ...leaves, labelsDigest, correctionsDigest };
    const change = digests.change && { baseDigest: digests.change.base, digest: digests.change.digest };
    const { checksums } = digests;
    const request: WorkRequest = { ...withWeights, checksums, change, gradient, job: "gradient" };
    if (!exchange) return request;
    const told = { ...gradient, ahead: aheadOf(order, exchange) };
    return { ...request, gradient: told, exchange: exchangeOf(order, purpose.step, exchange) };
  }
  if (purpose.kind === "reduce" || purpose.kind === "apply") {
    const job = purpose.kind === "reduce" ? reduceJob(order, exchange!) : applyJob(purpose.step, exchange!);
    return { ...withWeights, ...job, exchange: exchangeOf(order, purpose.step, exchange!) };
  }
  return { ...withWeights, ...mapJob(phase, assignment.first, digests) };
}

function mapJob(phase: Phase, shard: number, digests: RunDigests): Partial<WorkRequest> {
  switch (phase.kind) {
    case "seed":
      return { seed: { shard }, job: "seed" };
    case "refine": {
      const { labels: labelsDigest, corrections: correctionsDigest } = digests;
      return { refine: { shard, camDigest: digests.cams[shard]!, labelsDigest, correctionsDigest }, job: "refine" };
    }
    case "evaluate":
      return { evaluate: { shard }, job: "evaluate" };
    case "classify":
    case "train":
      throw new Error(`${phase.kind} is not a map over shards`);
    default:
      return unreachable(phase.kind);
  }
}
