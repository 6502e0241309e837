/**
 * Memory of one micro-batch for the next. TensorFlow takes what lies in a VectorMemory as it is, and fresh pages for ten megabytes cost
 * as much as drawing the pictures.
 */
import { VectorMemory } from "../../shared/math/vectors.js";

export interface BatchArrays {
  /** RGB in [-1, 1], [N, size, size, 3]. */
  readonly pixels: Float32Array;
  /** [N, size, size]. */
  readonly labels: Int32Array;
}

export class BatchRoom {
  private arrays: BatchArrays | null = null;

  /** For so many pictures of this size; whatever is in it must be overwritten. */
  of(count: number, size: number): BatchArrays {
    const cells = count * size * size;
    if (this.arrays?.labels.length !== cells) {
      const memory = new VectorMemory(4 * cells);
      const [pixels, labels] = [memory.floats(3 * cells), memory.floats(cells)];
      this.arrays = { pixels, labels: new Int32Array(labels.buffer, labels.byteOffset, cells) };
    }
    return this.arrays;
  }
}
