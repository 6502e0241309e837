/**
 * Passes over all numbers of a model, with vector instructions (wasm/vectors): the bits of plain loops over them, in about half of their
 * time. The program works on arrays that lie in its memory (`VectorMemory`) where they are; others go through it block by block.
 */
import { assert } from "../assert.js";
import { type Address, blockFloats, programOf, type Vectors } from "./vector-memory.js";

export { Checksum, checksumOf } from "./vector-checksum.js";
export {
  adoptMemory,
  alignmentFloats,
  blockFloats,
  memoryOf,
  threadsMax,
  VectorMemory,
  vectorFloatsMax,
} from "./vector-memory.js";

/** What is worked on together. */
const lanes = 4;
/** Numbers at a time of arrays that lie in the program's memory: what a pass reads twice is still in the second-level cache. */
export const placedFloats = 4 * blockFloats;

/** `left + right` elementwise into `left`: f32 addition (the f64 sum of two f32 rounds once, to the same bits). */
export function addInto(left: Float32Array, right: Float32Array): void {
  overBlocks([left], [right], (vectors, [at, other], count) => vectors.add(at!, at!, other!, count));
}

/** The same into `sum`, which may be one of them. */
export function addTo(sum: Float32Array, left: Float32Array, right: Float32Array): void {
  overBlocks([sum], [left, right], (vectors, [at, one, other], count) => vectors.add(at!, one!, other!, count));
}

/** `keep x average + (1 - keep) x values` elementwise into `average`: in f64, rounded to f32. */
export function mixInto(average: Float32Array, values: Float32Array, keep: number): void {
  overBlocks([average], [values], (vectors, [at, other], count) => vectors.mix(at!, other!, count, keep));
}

/** Where the first number lies that is NaN or infinite; -1: nowhere. */
export function notFiniteIndex(values: Float32Array): number {
  let found = -1;
  overBlocks([], [values], (vectors, [at], count, first) => {
    if (vectors.areFinite(at!, count, 1) !== 0) return true;
    found = first + values.subarray(first, first + count).findIndex((value) => !Number.isFinite(value));
    return false;
  });
  return found;
}

/** What a step of AdamW works on, elementwise; all but `gradient` is changed. */
export interface AdamWNumbers {
  readonly values: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** As it is summed: `scale` makes it what the formula has. */
  readonly gradient: Float32Array;
}

export interface AdamWFactors {
  /** An f32. */
  readonly scale: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly stepSize: number;
  readonly correction: number;
  readonly epsilon: number;
  readonly decay: number;
}

/**
 * In f32, as PyTorch does it: every factor, product and sum is rounded.
 *
 *   g = scale x gradient,  m' = beta1 x m + (1 - beta1) x g,  v' = beta2 x v + ((1 - beta2) x g) x g,
 *   values' = values - (decay x values + (stepSize x m') / (sqrt(v') x correction + epsilon)).
 *
 * What a parameter moves by is made up before it is taken off: as a factor, 1 - decay, a small decay would be rounded away.
 *
 * `moved`: where values' goes, instead of their place; of another array.
 *
 * False: a g is not finite. What lies some blocks before it has changed, and nothing from it on.
 */
export function adamwInto(numbers: AdamWNumbers, factors: AdamWFactors, moved = numbers.values): boolean {
  const { values, m, v, gradient } = numbers;
  const { scale, beta1, beta2, stepSize, correction, epsilon, decay } = factors;
  const moments = [beta1, 1 - beta1, beta2, 1 - beta2] as const;
  const read = moved === values ? [gradient] : [gradient, values];
  return overBlocks([moved, m, v], read, (vectors, at, count) => {
    if (vectors.areFinite(at[3]!, count, scale) === 0) return false;
    const where = [at[0]!, at[4] ?? at[0]!, at[1]!, at[2]!, at[3]!] as const;
    vectors.adamw(...where, count, scale, ...moments, stepSize, correction, epsilon, decay);
    return true;
  });
}

/** On numbers [first, first + count) of each array, which the program finds `at` these addresses. False: no further. */
type Pass = (vectors: Vectors, at: readonly Address[], count: number, first: number) => unknown;

/**
 * `pass` on a block of each array at a time, in the memory of the first: where they lie, or copied, and what is `changed`
 * copied back. The program works on whole groups of numbers, so what is left of them comes last, and as a copy. False: `pass` was.
 */
function overBlocks(changed: readonly Float32Array[], read: readonly Float32Array[], pass: Pass): boolean {
  const arrays = [...changed, ...read];
  const { length } = arrays[0]!;
  assert(
    arrays.every((array) => array.length === length),
    "vectors have equal lengths",
  );
  const { vectors, blocks, places, memory } = programOf(arrays[0]!);
  const at = places.slice(0, arrays.length);
  const isHere = arrays.map(({ buffer }) => buffer === memory.buffer);
  const most = isHere.every(Boolean) ? placedFloats : blockFloats;
  for (let first = 0, count = 0; first < length; first += count) {
    const left = Math.min(most, length - first);
    count = left < lanes ? left : left - (left % lanes);
    // Plain loops: on a machine of many workers this runs before it is compiled.
    for (let i = 0; i < arrays.length; i++) {
      if (isHere[i] && count >= lanes) at[i] = arrays[i]!.byteOffset + 4 * first;
      else at[i] = enterBlock(arrays[i]!, first, count, { block: blocks[i]!, place: places[i]! });
    }
    if (pass(vectors, at, count, first) === false) return false;
    for (let i = 0; i < changed.length; i++) {
      if (at[i] === places[i]) changed[i]!.set(blocks[i]!.subarray(0, count), first);
    }
  }
  return true;
}

/** Copies numbers from `first` on, and zeros behind them up to a whole group. Returns where they are. */
function enterBlock(
  array: Float32Array,
  first: number,
  count: number,
  { block, place }: { readonly block: Float32Array; readonly place: Address },
): Address {
  block.set(array.subarray(first, first + count));
  block.fill(0, count, count + lanes);
  return place;
}
