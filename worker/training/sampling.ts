/**
 * Which images form a micro-batch: a function of (config, tags, seed, stage, step, leaf), so that every worker and the
 * coordinator name the same ones without asking.
 *
 * A step's slots are numbered through all steps of a stage. Every so many slots are negatives (augment.negativeShare);
 * the others take the classes in turn, so that a rare class is seen as often as a common one. Each pool is walked in
 * epochs, shuffled anew for each.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { Rng } from "../../shared/rng.js";
import type { TrainStage } from "../compute/contract.js";

export interface MicroBatchKey {
  readonly method: MethodConfig;
  readonly seed: number;
  /** Class ids of each image of the training split; empty for a negative. */
  readonly tags: readonly (readonly number[])[];
  readonly stage: TrainStage;
  readonly step: number;
  readonly leaf: number;
}

/** Indices of the images of micro-batch `leaf` of `step`, in order. */
export function imagesOfMicroBatch(key: MicroBatchKey): number[] {
  const { method, stage, step, leaf } = key;
  const { microBatches, microBatchSize } = method[stage.model];
  const pools = poolsOf(key.tags);
  const share = negativeShareOf(pools, method.augment.negativeShare);
  const first = (step * microBatches + leaf) * microBatchSize;
  return Array.from({ length: microBatchSize }, (_, i) => imageOfSlot(key, pools, share, first + i));
}

interface Pools {
  readonly negatives: readonly number[];
  /** Images of each class that has any. */
  readonly classes: readonly (readonly number[])[];
}

function poolsOf(tags: readonly (readonly number[])[]): Pools {
  const negatives: number[] = [];
  const classes: number[][] = [];
  tags.forEach((ids, image) => {
    if (ids.length === 0) negatives.push(image);
    for (const id of ids) {
      classes[id] ??= [];
      classes[id].push(image);
    }
  });
  return { negatives, classes: classes.filter((pool) => pool !== undefined) };
}

function negativeShareOf({ negatives, classes }: Pools, wanted: number): number {
  if (negatives.length === 0) return 0;
  return classes.length === 0 ? 1 : wanted;
}

function imageOfSlot(key: MicroBatchKey, { negatives, classes }: Pools, share: number, slot: number): number {
  const negativesBefore = Math.floor(slot * share);
  if (Math.floor((slot + 1) * share) > negativesBefore) return draw(key, "negatives", negatives, negativesBefore);
  const position = slot - negativesBefore;
  const turn = Math.floor(position / classes.length);
  const index = position % classes.length;
  return draw(key, index, classes[index]!, turn);
}

/** The `position`-th draw from an endless, reshuffled pool. */
function draw(
  { seed, stage }: MicroBatchKey,
  name: string | number,
  pool: readonly number[],
  position: number,
): number {
  const epoch = Math.floor(position / pool.length);
  const order = new Rng(seed, "sample", stage.model, stage.round, name, epoch).shuffled(pool);
  return order[position % pool.length]!;
}
