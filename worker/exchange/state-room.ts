/** The memory that a worker's copy of the model, and what comes and goes in a step of it, lies in. */
import { pageFloats } from "../../shared/aggregate/floats.js";
import { bytesOf } from "../../shared/codec/digest.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import { sumTailFloats } from "../../shared/math/wire.js";
import { BytePool } from "./byte-pool.js";

/** Parts of the state, in the order in which they are pulled: whoever has the right `values` last has had the right rest. */
export const stateParts = ["average", "second", "first", "values"] as const;
export type StatePart = (typeof stateParts)[number];
export type StateVectors = Readonly<Record<StatePart, Float32Array>>;

/** Besides the state: a sum of the step in slices, and what goes into it, or the sum whole. */
const pooledSums = 2;
/** For blocks that summands are added up in. */
const pooledBlocks = pageFloats;

/** Where a model of so many numbers is worked on, stage after stage. */
export class StateRoom {
  readonly parts: StateVectors;
  readonly pool: BytePool;
  /** Where a page of the step's sum is put together. */
  readonly page: Float32Array;

  constructor(
    readonly names: readonly StatePart[],
    readonly count: number,
  ) {
    const pooled = pooledSums * (count + sumTailFloats) + pooledBlocks;
    const memory = new VectorMemory(names.length * count + pageFloats + pooled);
    const of = (part: StatePart) => memory.floats(names.includes(part) ? count : 0);
    this.parts = { values: of("values"), first: of("first"), second: of("second"), average: of("average") };
    this.page = memory.floats(pageFloats);
    this.pool = new BytePool(4 * pooled, (length) => bytesOf(memory.floats(Math.ceil(length / 4))).subarray(0, length));
  }
}

/** Before a model is held. */
export const nothingPooled = new BytePool(0);
