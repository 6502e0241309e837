/** Memory of one round of local steps for the next: the collector does not count what threads share, and would let it pile up. */
import { VectorMemory } from "../../shared/math/vectors.js";
import { sumTailFloats } from "../../shared/math/wire.js";

export interface ReplicaArrays {
  readonly values: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** For gradient sums. */
  readonly sums: readonly Float32Array[];
}

export class ReplicaRoom {
  private arrays: ReplicaArrays | null = null;

  /** For a replica of so many parameters, and as many sums; whatever is in the arrays must be overwritten. */
  of(count: number, sumCount: number): ReplicaArrays {
    if (this.arrays?.values.length !== count || this.arrays.sums.length !== sumCount) {
      const length = count + sumTailFloats;
      const memory = new VectorMemory(3 * count + sumCount * length);
      const [values, first, second] = [memory.floats(count), memory.floats(count), memory.floats(count)];
      const sums = Array.from({ length: sumCount }, () => memory.floats(length));
      this.arrays = { values, first, second, sums };
    }
    return this.arrays;
  }
}
