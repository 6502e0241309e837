/** Memory of the sums of one piece of work for those of the next: fresh pages for tens of megabytes cost as much as filling them. */

import { bytesOf } from "../../shared/codec/digest.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import { progressFor, resetProgress, type SumProgress } from "../compute/sum-progress.js";

export class SumMemory {
  private free: Float32Array[] = [];
  private freeBytes: Uint8Array[] = [];
  private progress: SumProgress | null = null;

  /** So many arrays of so many numbers, which the compute thread can have as well; whatever is in them must be overwritten. */
  take(count: number, length: number): Float32Array[] {
    // Another model is trained now.
    this.free = this.free.filter((array) => array.length === length);
    return Array.from({ length: count }, () => this.free.pop() ?? new VectorMemory(length).floats(length));
  }

  /** So many bytes, of a sum as it travels; whatever is in them must be overwritten. */
  takeBytes(length: number): Uint8Array {
    this.freeBytes = this.freeBytes.filter((bytes) => bytes.length === length);
    const floats = Math.ceil(length / 4);
    return this.freeBytes.pop() ?? bytesOf(new VectorMemory(floats).floats(floats)).subarray(0, length);
  }

  /** For a sum of so many parts, of which none is written. Until it is given back, it is no other work's. */
  takeProgress(partsMax: number): SumProgress {
    const { progress } = this;
    this.progress = null;
    if (progress?.marks.length !== partsMax) return progressFor(partsMax);
    resetProgress(progress);
    return progress;
  }

  /** Nobody will write to it any more. */
  giveProgress(progress: SumProgress): void {
    this.progress = progress;
  }

  /** Nobody reads it any more. */
  give(array: Float32Array): void {
    this.free.push(array);
  }

  /** Nobody reads them any more. */
  giveBytes(bytes: Uint8Array): void {
    this.freeBytes.push(bytes);
  }
}
