/**
 * Memory for the model in training and for what is summed. Passes over arrays that lie in it together copy nothing (VectorMemory), and
 * a step works where the step before has worked: the kernel has no fresh pages to clear.
 */
import { MemoryFloats, pageFloats } from "../../shared/aggregate/floats.js";
import { VectorMemory, vectorFloatsMax } from "../../shared/math/vectors.js";
import { sumBytes, sumTailFloats, type Wire } from "../../shared/math/wire.js";

/** Parameters, two moments and an average; sums that arrive and those that wait for their siblings. What is never used takes no memory. */
const arraysMax = 24;

export class FloatRoom {
  private readonly memory: VectorMemory;
  /** By their length. */
  private readonly free = new Map<number, Float32Array[]>();

  /** `count`: parameters of the model. `wire`: how sums of its gradients come. */
  constructor(
    readonly count: number,
    readonly wire: Wire = "f32",
  ) {
    const sum = count + sumTailFloats;
    this.memory = new VectorMemory(Math.min(arraysMax, Math.floor(vectorFloatsMax / sum)) * sum);
    const packed = wire === "f32" ? [] : [Math.ceil(sumBytes(wire, sum) / 4), Math.min(pageFloats, sum)];
    for (const length of [count, sum, ...packed]) this.free.set(length, []);
  }

  /** Null: neither a part of the model's state, nor a sum as it comes or a page of it, has this length. Whatever is in it must be overwritten. */
  take(length: number): MemoryFloats | null {
    const free = this.free.get(length);
    return free ? new RoomFloats(free.pop() ?? this.memory.floats(length), free) : null;
  }
}

class RoomFloats extends MemoryFloats {
  constructor(
    values: Float32Array,
    private free: Float32Array[] | null,
  ) {
    super(values);
  }

  /** Nobody reads it any more: its memory is used for something else. What has found no room is the collector's. */
  override async close(): Promise<void> {
    if (this.values.buffer instanceof SharedArrayBuffer) this.free?.push(this.values);
    this.free = null;
  }
}
