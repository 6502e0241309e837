/**
 * Where the compiled passes over numbers (wasm/vectors, wasm/wire) do their work: on arrays that lie in a program's memory
 * (`VectorMemory`) where they are, on others block by block, through a copy.
 */
import { type WasmMemory, WebAssembly, wasmPageBytes } from "../web-assembly.js";
import { vectorsProgram } from "./vectors-program.js";
import { wireProgram } from "./wire-program.js";

export type Address = number;

/** wasm/vectors/index.ts, compiled. */
export interface Vectors {
  add(left: Address, right: Address, count: number): void;
  areFinite(values: Address, count: number, scale: number): number;
  checksum(values: Address, count: number, state: Address): void;
  mix(average: Address, values: Address, count: number, keep: number): void;
  adamw(
    ...args: [
      ...[moved: Address, values: Address, m: Address, v: Address, gradient: Address, count: number],
      ...[scale: number, keep1: number, take1: number, keep2: number, take2: number],
      ...[stepSize: number, correction: number, epsilon: number, decay: number],
    ]
  ): void;
}

/** wasm/wire/index.ts, compiled. */
export interface WireKernels {
  roundHalves(at: Address, count: number, first: number, key: number): void;
  roundBlocks(at: Address, count: number, first: number, key: number): void;
  packHalves(from: Address, count: number, to: Address): void;
  packBlocks(from: Address, count: number, to: Address): void;
  unpackHalves(from: Address, count: number, to: Address): void;
  unpackBlocks(from: Address, count: number, to: Address): void;
  subtract(left: Address, right: Address, count: number): void;
  add(left: Address, right: Address, count: number): void;
}

/** Numbers worked on at a time: a few such blocks fit the second-level cache of a core. */
export const blockFloats = 16 * 1024;
const blockBytes = blockFloats * 4;

/** Of the blocks to copy through; the last is for what a pass keeps while another one is at work. */
export const places = [0, 1, 2, 3, 4, 5].map((block) => block * blockBytes);
const scratchBytes = places.length * blockBytes;

const vectorsModule = new WebAssembly.Module(Buffer.from(vectorsProgram, "base64"));
const wireModule = new WebAssembly.Module(Buffer.from(wireProgram, "base64"));

/** Both programs with one memory: blocks to copy through, then room for arrays. Other threads can have the memory as well. */
export class Program {
  readonly memory: WasmMemory<SharedArrayBuffer>;
  readonly vectors: Vectors;
  readonly wire: WireKernels;
  readonly blocks: readonly Float32Array[];
  private readonly bytes: Uint8Array;

  constructor(roomBytes: number) {
    const pages = Math.ceil((scratchBytes + roomBytes) / wasmPageBytes);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const imports = { env: { memory: this.memory } };
    this.vectors = new WebAssembly.Instance(vectorsModule, imports).exports as Vectors;
    this.wire = new WebAssembly.Instance(wireModule, imports).exports as WireKernels;
    this.blocks = places.map((place) => new Float32Array(this.memory.buffer, place, blockFloats));
    this.bytes = new Uint8Array(this.memory.buffer);
  }

  /** Where the program finds `part`, at most a block: where it lies, or copied to a place. */
  enter(part: Part, place: Address): Address {
    return this.holds(part) ? part.byteOffset : this.copy(part, place);
  }

  copy(part: Part, place: Address): Address {
    this.bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), place);
    return place;
  }

  /** Where the program puts what `part` is to hold. */
  room(part: Part, place: Address): Address {
    return this.holds(part) ? part.byteOffset : place;
  }

  /** What the program has left at the place where `part` has entered, or has room. */
  leave(part: Part, place: Address): void {
    if (this.holds(part)) return;
    const { buffer, byteOffset, byteLength } = part;
    new Uint8Array(buffer, byteOffset, byteLength).set(this.bytes.subarray(place, place + byteLength));
  }

  private holds({ buffer }: Part): boolean {
    return buffer === this.memory.buffer;
  }
}

type Part = Float32Array | Uint8Array;

const common = new Program(0);
const homes = new WeakMap<ArrayBufferLike, Program>([[common.memory.buffer, common]]);

/** In whose memory the first of them lies that lies in any. */
export function programOf(...arrays: readonly Part[]): Program {
  for (const { buffer } of arrays) {
    const home = homes.get(buffer);
    if (home) return home;
  }
  return common;
}

/** Addresses have 32 bits. */
const memoryBytesMax = 2 ** 32 - wasmPageBytes;
/** For so many numbers there can be a `VectorMemory`. */
export const vectorFloatsMax = (memoryBytesMax - scratchBytes) / 4;

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
