/** Rounding and writing what travels, with vector instructions (wasm/wire): a chunk at a time through their own memory. */
import { WebAssembly, wasmPageBytes } from "../web-assembly.js";
import { wireProgram } from "./wire-program.js";

type Address = number;

/** wasm/wire/index.ts, compiled. */
interface Kernels {
  roundHalves(at: Address, count: number, first: number, key: number): void;
  roundBlocks(at: Address, count: number, first: number, key: number): void;
  packHalves(from: Address, count: number, to: Address): void;
  packBlocks(from: Address, count: number, to: Address): void;
  unpackHalves(from: Address, count: number, to: Address): void;
  unpackBlocks(from: Address, count: number, to: Address): void;
  subtract(left: Address, right: Address, count: number): void;
  add(left: Address, right: Address, count: number): void;
}

/** Whole blocks; three chunks stay in the processor's second cache. */
const chunkFloats = 32_768;
const chunkBytes = chunkFloats * 4;
const memory = new WebAssembly.Memory({ initial: (3 * chunkBytes) / wasmPageBytes });
const program = new WebAssembly.Module(Uint8Array.from(atob(wireProgram), (char) => char.charCodeAt(0)));
const kernels = new WebAssembly.Instance(program, { env: { memory } }).exports as Kernels;

const bytesOfMemory = new Uint8Array(memory.buffer);
const numbers = new Float32Array(memory.buffer, 0, chunkFloats);
const others = new Float32Array(memory.buffer, chunkBytes, chunkFloats);
const [othersAt, packedAt] = [chunkBytes, 2 * chunkBytes];

/** How a wire rounds and writes; bytes of a body of so many numbers. */
export interface Format {
  readonly round: Kernels["roundHalves"];
  readonly pack: Kernels["packHalves"];
  readonly unpack: Kernels["unpackHalves"];
  readonly bytes: (count: number) => number;
}

/** Numbers that share a scale (wire.ts says why). */
export const blockFloats = 32;

export const formats = {
  bf16: {
    round: kernels.roundHalves,
    pack: kernels.packHalves,
    unpack: kernels.unpackHalves,
    bytes: (count) => count * 2,
  },
  int8: {
    round: kernels.roundBlocks,
    pack: kernels.packBlocks,
    unpack: kernels.unpackBlocks,
    bytes: (count) => count + Math.ceil(count / blockFloats),
  },
} as const satisfies Record<string, Format>;

function* chunksOf(length: number): Generator<readonly [number, number]> {
  for (let at = 0; at < length; at += chunkFloats) yield [at, Math.min(at + chunkFloats, length)];
}

/** In place. `first`: of the first number, in what the draws count; a multiple of `blockFloats`. */
export function round({ round }: Format, values: Float32Array, first: number, key: number): void {
  for (const [at, end] of chunksOf(values.length)) {
    numbers.set(values.subarray(at, end));
    round(0, end - at, first + at, key);
    values.set(numbers.subarray(0, end - at), at);
  }
}

/** `values` are rounded. */
export function pack({ pack, bytes }: Format, values: Float32Array, target: Uint8Array): void {
  for (const [at, end] of chunksOf(values.length)) {
    numbers.set(values.subarray(at, end));
    pack(0, end - at, packedAt);
    target.set(bytesOfMemory.subarray(packedAt, packedAt + bytes(end - at)), bytes(at));
  }
}

export function unpack({ unpack, bytes }: Format, packed: Uint8Array, target: Float32Array): void {
  for (const [at, end] of chunksOf(target.length)) {
    bytesOfMemory.set(packed.subarray(bytes(at), bytes(end)), packedAt);
    unpack(packedAt, end - at, 0);
    target.set(numbers.subarray(0, end - at), at);
  }
}

/** What leads from `before` to `after` is rounded; `after` becomes `before` and that. `target`: gets it packed. */
export function moveRounded(
  { round, pack, bytes }: Format,
  before: Float32Array,
  after: Float32Array,
  draw: { readonly first: number; readonly key: number },
  target: Uint8Array | null,
): void {
  for (const [at, end] of chunksOf(after.length)) {
    const count = end - at;
    numbers.set(after.subarray(at, end));
    others.set(before.subarray(at, end));
    kernels.subtract(0, othersAt, count);
    round(0, count, draw.first + at, draw.key);
    kernels.add(othersAt, 0, count);
    after.set(others.subarray(0, count), at);
    if (!target) continue;
    pack(0, count, packedAt);
    target.set(bytesOfMemory.subarray(packedAt, packedAt + bytes(count)), bytes(at));
  }
}

/** `values` and what is packed. */
export function addPacked({ unpack, bytes }: Format, values: Float32Array, packed: Uint8Array): Float32Array {
  const sums = new Float32Array(values.length);
  for (const [at, end] of chunksOf(values.length)) {
    others.set(values.subarray(at, end));
    bytesOfMemory.set(packed.subarray(bytes(at), bytes(end)), packedAt);
    unpack(packedAt, end - at, 0);
    kernels.add(othersAt, 0, end - at);
    sums.set(others.subarray(0, end - at), at);
  }
  return sums;
}
