/**
 * Numbers that lie in memory or in a file, worked on a page at a time: with a large model the coordinator holds its
 * parameters once, and of gradients and moments only the page at hand.
 */
import { assert } from "../assert.js";
import { addInto, notFiniteIndex } from "../math/vectors.js";

/** A mebibyte: system calls cost nothing beside the work on it, and a few pages are no memory. */
export const pageFloats = 256 * 1024;

export interface Floats {
  readonly length: number;
  /** All of them, where they lie one after the other in memory; null, or absent: they do not. */
  readonly values?: Float32Array | null;
  /** The numbers [at, end), at most `pageFloats` of them. What is written there counts after `put` only. Valid until the next call. */
  page(at: number, end: number): Promise<Float32Array>;
  /** Stores a page that `page` gave. */
  put(at: number, page: Float32Array): Promise<void>;
  close(): Promise<void>;
}

export class MemoryFloats implements Floats {
  constructor(readonly values: Float32Array) {}

  get length(): number {
    return this.values.length;
  }

  async page(at: number, end: number): Promise<Float32Array> {
    return this.values.subarray(at, end);
  }

  /** The page is a view: what was written to it is here already. */
  async put(): Promise<void> {}

  async close(): Promise<void> {}
}

/** [at, end) of each page of the numbers [first, end), in order. */
export function* pagesOf(end: number, first = 0): Generator<readonly [number, number]> {
  for (let at = first; at < end; at += pageFloats) yield [at, Math.min(at + pageFloats, end)];
}

/** What becomes of numbers from `at` on, of so many, before they are stored. */
export type PageChange = (page: Float32Array, at: number, length: number) => void;

/** `left + right` elementwise into `left`, in f32, then `change`; `right` is used up. */
export async function addFloats(left: Floats, right: Floats, change: PageChange = () => undefined): Promise<Floats> {
  assert(left.length === right.length, "summands have equal lengths");
  for (const [at, end] of pagesOf(left.length)) {
    const [sum, summand] = [await left.page(at, end), await right.page(at, end)];
    addInto(sum, summand);
    change(sum, at, left.length);
    await left.put(at, sum);
  }
  await right.close();
  return left;
}

/** Where the first number lies that is NaN or infinite; -1: nowhere. */
export async function notFiniteAt(floats: Floats): Promise<number> {
  for (const [at, end] of pagesOf(floats.length)) {
    const found = notFiniteIndex(await floats.page(at, end));
    if (found >= 0) return at + found;
  }
  return -1;
}
