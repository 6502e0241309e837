/** Memory of the sums of one piece of work for those of the next: fresh pages for tens of megabytes cost as much as filling them. */
import { VectorMemory } from "../../shared/math/vectors.js";

export class SumMemory {
  private free: Float32Array[] = [];

  /** So many arrays of so many numbers, which the compute thread can have as well; whatever is in them must be overwritten. */
  take(count: number, length: number): Float32Array[] {
    // Another model is trained now.
    this.free = this.free.filter((array) => array.length === length);
    return Array.from({ length: count }, () => this.free.pop() ?? new VectorMemory(length).floats(length));
  }

  /** Nobody reads it any more. */
  give(array: Float32Array): void {
    this.free.push(array);
  }
}
