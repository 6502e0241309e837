/**
 * How much of a sum is written while the rest is still computed, in memory that threads share: who computes says what parts it has and
 * marks those that are written, who gives it to others reads that.
 */
import { VectorMemory } from "../../shared/math/vectors.js";

export interface SumProgress {
  /** First how many parts there are, 0 while nobody has said; then where each of them ends, in numbers. */
  readonly ends: Int32Array;
  /** One for each part: not zero once it is written. The last is never marked: with the weight, the sum is whole. */
  readonly marks: Float32Array;
}

/** For sums of at most so many parts. */
export function progressFor(partsMax: number): SumProgress {
  return {
    ends: new Int32Array(new SharedArrayBuffer(4 * (1 + partsMax))),
    // Where TensorFlow takes memory as it is.
    marks: new VectorMemory(partsMax).floats(partsMax),
  };
}

/** Nothing is written. Call before whoever computes gets it. */
export function resetProgress({ ends, marks }: SumProgress): void {
  ends[0] = 0;
  marks.fill(0);
}

/** Says what parts there are, before any is written. False: more than there is room for, and nothing is said. */
export function layOut({ ends, marks }: SumProgress, partEnds: readonly number[]): boolean {
  if (partEnds.length > marks.length) return false;
  ends.set(partEnds, 1);
  Atomics.store(ends, 0, partEnds.length);
  return true;
}

export function markPart({ marks }: SumProgress, part: number): void {
  Atomics.store(bitsOf(marks), part, 1);
}

export function isLaidOut({ ends }: SumProgress): boolean {
  return Atomics.load(ends, 0) > 0;
}

/** Whether all parts are written that have one of the numbers [first, end). */
export function isWritten({ ends, marks }: SumProgress, first: number, end: number): boolean {
  const count = Atomics.load(ends, 0);
  const bits = bitsOf(marks);
  let from = 0;
  for (let part = 0; part < count && from < end; part++) {
    const to = ends[1 + part]!;
    if (to > first && Atomics.load(bits, part) === 0) return false;
    from = to;
  }
  return count > 0 && from >= end;
}

/** Parts that are written, in their order in the sum. By a plain loop: it is looked at many times while a sum grows. */
export function eachWritten(
  { ends, marks }: SumProgress,
  visit: (part: number, first: number, end: number) => void,
): void {
  const count = Atomics.load(ends, 0);
  const bits = bitsOf(marks);
  for (let part = 0; part < count; part++) {
    if (Atomics.load(bits, part) !== 0) visit(part, part === 0 ? 0 : ends[part]!, ends[1 + part]!);
  }
}

/** TensorFlow may mark with a NaN. */
function bitsOf({ buffer, byteOffset, length }: Float32Array): Int32Array {
  return new Int32Array(buffer, byteOffset, length);
}
