/** Memory of one round of local steps for the next: the collector does not count what threads share, and would let it pile up. */
import { VectorMemory } from "../../shared/math/vectors.js";

type Three = readonly [Float32Array, Float32Array, Float32Array];

export class ReplicaRoom {
  private arrays: Three | null = null;

  /** For a replica's parameters and its two moments, of so many numbers each; whatever is in them must be overwritten. */
  of(count: number): Three {
    if (this.arrays?.[0].length !== count) {
      const memory = new VectorMemory(3 * count);
      this.arrays = [memory.floats(count), memory.floats(count), memory.floats(count)];
    }
    return this.arrays;
  }
}
