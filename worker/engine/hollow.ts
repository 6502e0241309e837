/**
 * While a function is recorded, what its operations compute does not matter, only which they are and what shapes they have. So
 * a result gives its memory back at once, and is filled with zeros for as long as another operation takes it in: tfjs would
 * keep all of them until the end, twice what a training step takes in a graph, and TensorFlow never returns what it once had.
 */
import { assert } from "../../shared/assert.js";
import type { Tensor } from "../segmentation/tf.js";

interface TensorEntry {
  readonly shape: readonly number[];
  /** TensorFlow's number of it. */
  readonly dtype: number;
  /** -1: not in TensorFlow. */
  id: number;
  /** What becomes a tensor of TensorFlow's when an operation takes it in. */
  values: NodeJS.TypedArray | null;
}

/** The parts of tfjs-node's backend that its types leave out. */
export interface TensorHolder {
  readonly tensorMap: { get(dataId: object): TensorEntry };
  readonly binding: { deleteTensor(id: number): void };
  readonly getDTypeInteger: (dtype: string) => number;
}

type Kind = "float32" | "int32" | "bool";
const kinds = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };

export class HollowTensors {
  /** What operations have made, and of what type. */
  private readonly made = new Map<object, Kind>();
  private zeros = new ArrayBuffer(0);

  constructor(private readonly backend: TensorHolder) {}

  /** Before an operation. */
  fill(inputs: readonly Tensor[]): void {
    for (const { dataId } of inputs) {
      const kind = this.made.get(dataId);
      const entry = this.backend.tensorMap.get(dataId);
      if (kind !== undefined && entry.id < 0) entry.values = this.zerosOf(kind, entry.shape);
    }
  }

  /** After it. */
  hollow(inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    const { tensorMap, binding } = this.backend;
    for (const { dataId, dtype } of outputs) if (this.isFillable(dataId, dtype)) this.made.set(dataId, dtype as Kind);
    for (const { dataId } of [...inputs, ...outputs]) {
      if (!this.made.has(dataId)) continue;
      const entry = tensorMap.get(dataId);
      if (entry.id >= 0) binding.deleteTensor(entry.id);
      entry.id = -1;
    }
  }

  /** tfjs calls 64-bit integers int32. */
  private isFillable(dataId: object, dtype: string): boolean {
    return dtype in kinds && this.backend.tensorMap.get(dataId).dtype === this.backend.getDTypeInteger(dtype);
  }

  /** @throws when the values of a result are asked for: a graph would hold them as they were this one time. */
  requireGiven(dataId: object): void {
    assert(!this.made.has(dataId), "a recorded function does not read what it computes");
  }

  private zerosOf(kind: Kind, shape: readonly number[]): NodeJS.TypedArray {
    const count = shape.reduce((product, side) => product * side, 1);
    const bytes = count * kinds[kind].BYTES_PER_ELEMENT;
    if (this.zeros.byteLength < bytes) this.zeros = new ArrayBuffer(bytes);
    return new kinds[kind](this.zeros, 0, count);
  }
}
