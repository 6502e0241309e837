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

/** Where models are worked on, one at a time, stage after stage and run after run: what was touched once is not new to the kernel again. */
export class StateRooms {
  private memory: { readonly floats: number; readonly vectors: VectorMemory } | null = null;

  /** For a model of so many numbers. Whatever is in it must be overwritten; the room before it is gone. */
  of(names: readonly StatePart[], count: number): StateRoom {
    const floats = names.length * count + pageFloats + pooledFloats(count);
    if (!this.memory || this.memory.floats < floats) this.memory = { floats, vectors: new VectorMemory(floats) };
    this.memory.vectors.rewind();
    return new StateRoom(names, count, this.memory.vectors);
  }
}

/** Where a model of so many numbers is worked on. */
export class StateRoom {
  readonly parts: StateVectors;
  readonly pool: BytePool;
  /** Where a page of the step's sum is put together. */
  readonly page: Float32Array;

  constructor(
    readonly names: readonly StatePart[],
    readonly count: number,
    memory: VectorMemory,
  ) {
    const of = (part: StatePart) => memory.floats(names.includes(part) ? count : 0);
    this.parts = { values: of("values"), first: of("first"), second: of("second"), average: of("average") };
    this.page = memory.floats(pageFloats);
    this.pool = new BytePool(4 * pooledFloats(count), (length) =>
      bytesOf(memory.floats(Math.ceil(length / 4))).subarray(0, length),
    );
  }
}

function pooledFloats(count: number): number {
  return pooledSums * (count + sumTailFloats) + pooledBlocks;
}

/** Before a model is held. */
export const nothingPooled = new BytePool(0);
