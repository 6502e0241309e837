/** A step of AdamW by several threads: every number moves on its own, so that it does not matter who moves it. */
import type { AdamWNumbers } from "../math/vectors.js";
import { AdamW, type AdamWTensor } from "./adamw.js";
import { MemoryFloats } from "./floats.js";

/** What a step is of, besides its numbers. */
export interface HelperStep {
  readonly tensors: readonly AdamWTensor[];
  readonly weightDecay: number;
  /** Before this one. */
  readonly steps: number;
  readonly learningRate: number;
  readonly scale: number;
}

export interface HelpedStep {
  /** From here on numbers are moved by others. */
  readonly first: number;
  /** Whether those of their gradient are all finite; when they have moved. */
  readonly areNumbers: Promise<boolean>;
}

export interface StepHelpers {
  /** Has a part of the numbers moved. Null: they do not lie where other threads have them, or are too few. */
  begin(numbers: AdamWNumbers, step: HelperStep): HelpedStep | null;
}

/** Moves the numbers [first, end), as `AdamW.step` does. False: they are not finite. */
export async function stepRange(
  { values, m, v, gradient }: AdamWNumbers,
  { tensors, weightDecay, steps, learningRate, scale }: HelperStep,
  range: readonly [first: number, end: number],
): Promise<boolean> {
  const moments = { steps, first: new MemoryFloats(m), second: new MemoryFloats(v) };
  const optimizer = new AdamW(tensors, { weightDecay }, moments);
  const gradientOf = async (at: number, end: number) => gradient.subarray(at, end);
  return optimizer.step(values, gradientOf, learningRate, { scale, range });
}

/** Of each thread. An estimate: fewer would be moved before another thread has been woken. */
const shareFloatsMin = 512 * 1024;

/** Where each of so many threads begins, and the end. One alone: the numbers are too few for more. */
export function sharesOf(count: number, threads: number): number[] {
  const used = Math.max(1, Math.min(threads, Math.floor(count / shareFloatsMin)));
  const share = 16 * Math.ceil(count / used / 16);
  return Array.from({ length: used + 1 }, (_, i) => Math.min(i * share, count));
}
