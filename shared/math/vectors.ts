/**
 * Passes over all numbers of a model, with vector instructions (wasm/vectors): the bits of plain loops over them, in about half of their
 * time. The program works in a memory of its own, through which the numbers go block by block.
 */
import { assert } from "../assert.js";
import { WebAssembly, wasmPageBytes } from "../web-assembly.js";
import { vectorsProgram } from "./vectors-program.js";

type Address = number;

/** wasm/vectors/index.ts, compiled. */
interface Vectors {
  add(left: Address, right: Address, count: number): void;
  areFinite(values: Address, count: number, scale: number): number;
  mix(average: Address, values: Address, count: number, keep: number): void;
  adamw(
    ...args: [
      ...[values: Address, m: Address, v: Address, gradient: Address, count: number],
      ...[scale: number, beta1: number, beta2: number, stepSize: number, correction: number, epsilon: number],
      shrink: number,
    ]
  ): void;
}

/** Numbers worked on at a time: four such blocks fit the second-level cache of a core. */
export const blockFloats = 16 * 1024;
const blockBytes = blockFloats * 4;
/** What is worked on together. */
const lanes = 4;

const places = [0, blockBytes, 2 * blockBytes, 3 * blockBytes] as const;
const memory = new WebAssembly.Memory({ initial: (places.length * blockBytes) / wasmPageBytes });
const blocks = places.map((place) => new Float32Array(memory.buffer, place, blockFloats));
const module = new WebAssembly.Module(Buffer.from(vectorsProgram, "base64"));
const vectors = new WebAssembly.Instance(module, { env: { memory } }).exports as Vectors;

/** `left + right` elementwise into `left`: f32 addition (the f64 sum of two f32 rounds once, to the same bits). */
export function addInto(left: Float32Array, right: Float32Array): void {
  for (const { at, count } of blocksOf([left, right])) {
    vectors.add(places[0], places[1], count);
    left.set(blocks[0]!.subarray(0, count), at);
  }
}

/** `keep x average + (1 - keep) x values` elementwise into `average`: in f64, rounded to f32. */
export function mixInto(average: Float32Array, values: Float32Array, keep: number): void {
  for (const { at, count } of blocksOf([average, values])) {
    vectors.mix(places[0], places[1], count, keep);
    average.set(blocks[0]!.subarray(0, count), at);
  }
}

/** Where the first number lies that is NaN or infinite; -1: nowhere. */
export function notFiniteIndex(values: Float32Array): number {
  for (const { at, count } of blocksOf([values])) {
    if (!isFiniteBlock(0, count, 1)) return at + blocks[0]!.findIndex((value) => !Number.isFinite(value));
  }
  return -1;
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
  readonly shrink: number;
}

/**
 * In f64, rounded to f32 where numbers are stored, but for g, which is rounded at once:
 *
 *   g = scale x gradient,  m' = beta1 x m + (1 - beta1) x g,  v' = beta2 x v + (1 - beta2) x g x g,
 *   values' = values x shrink - (stepSize x m') / (sqrt(v') x correction + epsilon).
 *
 * False: a g is not finite. What lies more than `blockFloats` before it has changed, and nothing from it on.
 */
export function adamwInto({ values, m, v, gradient }: AdamWNumbers, factors: AdamWFactors): boolean {
  const { scale, beta1, beta2, stepSize, correction, epsilon, shrink } = factors;
  for (const { at, count } of blocksOf([values, m, v, gradient])) {
    if (!isFiniteBlock(3, count, scale)) return false;
    vectors.adamw(...places, count, scale, beta1, beta2, stepSize, correction, epsilon, shrink);
    [values, m, v].forEach((changed, i) => {
      changed.set(blocks[i]!.subarray(0, count), at);
    });
  }
  return true;
}

/** Copies the arrays into the program's memory, `blockFloats` numbers of each at a time. */
function* blocksOf(arrays: readonly Float32Array[]): Generator<{ readonly at: number; readonly count: number }> {
  const length = arrays[0]!.length;
  assert(
    arrays.every((array) => array.length === length),
    "vectors have equal lengths",
  );
  for (let at = 0; at < length; at += blockFloats) {
    const count = Math.min(blockFloats, length - at);
    arrays.forEach((array, i) => {
      blocks[i]!.set(array.subarray(at, at + count));
    });
    yield { at, count };
  }
}

function isFiniteBlock(block: number, count: number, scale: number): boolean {
  // The program looks at whole groups of numbers.
  blocks[block]!.fill(0, count, count + lanes);
  return vectors.areFinite(places[block]!, count, scale) !== 0;
}
