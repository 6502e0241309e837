/**
 * Passes over all numbers of a model, with vector instructions (wasm/vectors): the bits of plain loops over them, in about half of their
 * time. The program works on arrays that lie in its memory (`VectorMemory`) where they are; others go through it block by block.
 */
import { assert } from "../assert.js";
import { type WasmMemory, WebAssembly, wasmPageBytes } from "../web-assembly.js";
import { vectorsProgram } from "./vectors-program.js";

type Address = number;

/** wasm/vectors/index.ts, compiled. */
interface Vectors {
  add(left: Address, right: Address, count: number): void;
  areFinite(values: Address, count: number, scale: number): number;
  checksum(values: Address, count: number, state: Address): void;
  mix(average: Address, values: Address, count: number, keep: number): void;
  adamw(
    ...args: [
      ...[values: Address, m: Address, v: Address, gradient: Address, count: number],
      ...[scale: number, keep1: number, take1: number, keep2: number, take2: number],
      ...[stepSize: number, correction: number, epsilon: number, decay: number],
    ]
  ): void;
}

/** Numbers worked on at a time: four such blocks fit the second-level cache of a core. */
export const blockFloats = 16 * 1024;
const blockBytes = blockFloats * 4;
/** What is worked on together. */
const lanes = 4;

const places = [0, blockBytes, 2 * blockBytes, 3 * blockBytes] as const;
const scratchBytes = places.length * blockBytes;
const module = new WebAssembly.Module(Buffer.from(vectorsProgram, "base64"));

/** The program with a memory: blocks to copy through, then room for arrays. Other threads can have the memory as well. */
class Program {
  readonly memory: WasmMemory<SharedArrayBuffer>;
  readonly vectors: Vectors;
  readonly blocks: readonly Float32Array[];

  constructor(roomBytes: number) {
    const pages = Math.ceil((scratchBytes + roomBytes) / wasmPageBytes);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    this.vectors = new WebAssembly.Instance(module, { env: { memory: this.memory } }).exports as Vectors;
    this.blocks = places.map((place) => new Float32Array(this.memory.buffer, place, blockFloats));
  }
}

const common = new Program(0);
const homes = new WeakMap<ArrayBufferLike, Program>([[common.memory.buffer, common]]);

/** Addresses have 32 bits. */
const memoryBytesMax = 2 ** 32 - wasmPageBytes;

/**
 * Room for arrays that are worked on without a copy, when all of a pass lie in it. Two thirds of the time of a step of AdamW
 * that has to copy goes into that. Another thread that is sent one has it at once, and sees what is written to it later. Arrays are
 * not taken back: whoever is done with all of them drops the memory.
 */
export class VectorMemory {
  private readonly program: Program | null;
  private next = scratchBytes;

  /** Of a memory that would be too large for the program there is none, and arrays lie elsewhere. */
  constructor(floats: number) {
    const bytes = 4 * floats;
    this.program = scratchBytes + bytes <= memoryBytesMax ? new Program(bytes) : null;
    if (this.program) homes.set(this.program.memory.buffer, this.program);
  }

  /** Zeros. Where there is no room any more it lies elsewhere: slower, no different. */
  floats(length: number): Float32Array {
    const { buffer } = this.program?.memory ?? { buffer: new ArrayBuffer(0) };
    if (this.next + 4 * length > buffer.byteLength) return new Float32Array(length);
    const array = new Float32Array(buffer, this.next, length);
    this.next += 4 * length;
    return array;
  }
}

/** `left + right` elementwise into `left`: f32 addition (the f64 sum of two f32 rounds once, to the same bits). */
export function addInto(left: Float32Array, right: Float32Array): void {
  for (const { vectors, at, count } of blocksOf([left], [right])) vectors.add(at[0]!, at[1]!, count);
}

/** `keep x average + (1 - keep) x values` elementwise into `average`: in f64, rounded to f32. */
export function mixInto(average: Float32Array, values: Float32Array, keep: number): void {
  for (const { vectors, at, count } of blocksOf([average], [values])) vectors.mix(at[0]!, at[1]!, count, keep);
}

/** Where the first number lies that is NaN or infinite; -1: nowhere. */
export function notFiniteIndex(values: Float32Array): number {
  for (const { vectors, at, first, count } of blocksOf([], [values])) {
    if (vectors.areFinite(at[0]!, count, 1) !== 0) continue;
    return first + values.subarray(first, first + count).findIndex((value) => !Number.isFinite(value));
  }
  return -1;
}

const checksumBytes = 64;

/**
 * 64 bytes in which the bits of all numbers count, faster than SHA-256: for those who want to know
 * whether they have the same, not against anybody who wants them to believe it.
 */
export function checksumOf(values: Float32Array): Uint8Array {
  const { vectors, memory } = programOf(values);
  const state = new Uint8Array(memory.buffer, places[3], checksumBytes);
  state.fill(0);
  for (const { at, count } of blocksOf([], [values])) vectors.checksum(at[0]!, count, places[3]);
  return state.slice();
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
 * False: a g is not finite. What lies more than `blockFloats` before it has changed, and nothing from it on.
 */
export function adamwInto({ values, m, v, gradient }: AdamWNumbers, factors: AdamWFactors): boolean {
  const { scale, beta1, beta2, stepSize, correction, epsilon, decay } = factors;
  const moments = [beta1, 1 - beta1, beta2, 1 - beta2] as const;
  for (const { vectors, at, count } of blocksOf([values, m, v], [gradient])) {
    if (vectors.areFinite(at[3]!, count, scale) === 0) return false;
    const where = [at[0]!, at[1]!, at[2]!, at[3]!] as const;
    vectors.adamw(...where, count, scale, ...moments, stepSize, correction, epsilon, decay);
  }
  return true;
}

function programOf({ buffer }: Float32Array): Program {
  return homes.get(buffer) ?? common;
}

interface Block {
  readonly vectors: Vectors;
  /** Where the program finds each array's part. */
  readonly at: readonly Address[];
  /** The part is the numbers [first, first + count). */
  readonly first: number;
  readonly count: number;
}

/**
 * `blockFloats` numbers of each array at a time, in the memory of the first: where they lie, or copied, and what is `changed`
 * copied back. The program works on whole groups of numbers, so what is left of them comes last, and as a copy.
 */
function* blocksOf(changed: readonly Float32Array[], read: readonly Float32Array[]): Generator<Block> {
  const arrays = [...changed, ...read];
  const { length } = arrays[0]!;
  assert(
    arrays.every((array) => array.length === length),
    "vectors have equal lengths",
  );
  const { vectors, blocks, memory } = programOf(arrays[0]!);
  for (let first = 0, count = 0; first < length; first += count) {
    const left = Math.min(blockFloats, length - first);
    count = left < lanes ? left : left - (left % lanes);
    const isCopied = (array: Float32Array) => array.buffer !== memory.buffer || count < lanes;
    const at = arrays.map((array, i) => {
      if (!isCopied(array)) return array.byteOffset + 4 * first;
      blocks[i]!.set(array.subarray(first, first + count));
      blocks[i]!.fill(0, count, count + lanes);
      return places[i]!;
    });
    yield { vectors, at, first, count };
    for (const [i, array] of changed.entries()) {
      if (isCopied(array)) array.set(blocks[i]!.subarray(0, count), first);
    }
  }
}
