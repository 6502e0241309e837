/** What the jobs of one run work with; made when the worker attaches. */

import type { StepHelpers } from "../../shared/aggregate/step-helpers.js";
import type { Digest } from "../../shared/codec/digest.js";
import type { RoundConstraints } from "../../shared/data/constraints.js";
import type { Manifest, SplitName } from "../../shared/data/manifest.js";
import type { RunSetup } from "../../shared/data/run-setup.js";
import type { WorkMetrics } from "../../shared/data/work-metrics.js";
import { AppError } from "../../shared/errors.js";
import type { Stage__Output } from "../../shared/gen/seedgrow/v1/Stage.js";
import type { WeightsChange__Output as WeightsChange } from "../../shared/gen/seedgrow/v1/WeightsChange.js";
import type { Example, ModelKind, TrainStage } from "../compute/contract.js";
import type { EngineKeeper } from "../compute/keeper.js";
import type { CorrectionStore } from "../data/correction-store.js";
import type { ImageStore } from "../data/image-store.js";
import type { LabelStore } from "../data/label-store.js";
import type { WorkerExchange } from "../exchange/exchange.js";
import type { ReplicaRoom } from "../exchange/replica-room.js";
import type { SumMemory } from "../exchange/sum-memory.js";
import type { ShardsAhead } from "./shards-ahead.js";
import type { WeightsBase } from "./weights-base.js";

export interface JobContext {
  readonly setup: RunSetup;
  readonly manifest: Manifest;
  readonly compute: Pick<EngineKeeper, "call" | "losses">;
  /**
   * Sets the engine up for this run, unless it is already; waits for one that is being started again.
   * @throws AppError ENGINE_FAILED | LEASE_LOST
   */
  readonly prepare: () => Promise<void>;
  readonly images: ImageStore;
  readonly labels: LabelStore;
  readonly corrections: CorrectionStore;
  readonly pull: (digest: Digest) => Promise<Uint8Array>;
  readonly cached: (digest: Digest) => Promise<Uint8Array>;
  readonly pack: (digest: Digest) => Promise<Uint8Array>;
  readonly ahead: ShardsAhead;
  /** The parameters loaded for each kind of model. */
  readonly loaded: Map<ModelKind, LoadedWeights>;
  /** Parameters as they come, into memory that is used again; in a run that rounds them, what their changes are added to. */
  readonly base: WeightsBase;
  /** Aborted when the run has let this worker go. */
  readonly closed: AbortSignal;
  /** For sharded training. */
  readonly exchange: WorkerExchange;
  /** For local steps. */
  readonly room: ReplicaRoom;
  /** Other threads that take a part in updates. */
  readonly helpers: StepHelpers | undefined;
  /** For gradient sums that leave this worker, or that others pull. */
  readonly sums: SumMemory;
}

export interface LoadedWeights {
  readonly digest: Digest;
  /** How many they are. */
  readonly count: number;
}

export interface JobOutput {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where it is known; empty: nobody will ask for it by digest. */
  readonly digest?: Digest;
}

export interface JobResult {
  readonly outputs: readonly JobOutput[];
  readonly metrics: WorkMetrics;
  readonly images: number;
  readonly computeMs: number;
  /** Nobody will read the outputs any more. */
  readonly release?: () => void;
}

export function stageOf(message: Stage__Output | null): TrainStage {
  const model = message?.model === "classifier" ? "classifier" : "segmenter";
  return { model, round: message?.round ?? 0 };
}

/**
 * Makes `digest` the parameters of the stage's model, unless they are loaded already. `held`: they are here, and may change once this
 * job is done, so that they count as loaded for it alone. `change`: what leads to them. Returns how many they are.
 */
export async function useWeights(
  context: JobContext,
  stage: TrainStage,
  digest: Digest,
  { held, change = null }: { readonly held?: Float32Array | undefined; readonly change?: WeightsChange | null } = {},
): Promise<number> {
  if (digest === "") return 0;
  const loaded = context.loaded.get(stage.model);
  if (loaded?.digest === digest) return loaded.count;
  // Pulled, they come where those lie that are loaded.
  context.loaded.delete(stage.model);
  const values = held ?? (await context.base.values(digest, change, stage.model));
  await context.compute.call("load", stage, values);
  const count = values.length;
  if (!held) context.loaded.set(stage.model, { digest, count });
  return count;
}

/** `corrections`: tags in place of the manifest's. */
export async function examplesOf(
  context: JobContext,
  split: SplitName,
  images: readonly number[],
  corrections: RoundConstraints = new Map(),
): Promise<Example[]> {
  return Promise.all(
    images.map(async (image) => {
      const tags = corrections.get(image)?.tags ?? context.images.entry(split, image).tags;
      return { image, tags, pixels: await context.images.pixels(split, image) };
    }),
  );
}

export function shardOf(context: JobContext, split: SplitName, shard: number): readonly number[] {
  const images = context.images.split(split).shards[shard];
  if (!images) throw new AppError("MESSAGE_INVALID", `the ${split} split has no shard ${shard}`);
  return images;
}
