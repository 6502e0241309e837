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
  add(sum: Address, left: Address, right: Address, count: number): void;
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

/** How many of them there are to copy through; the last is for what a pass keeps while another one is at work. */
export const scratchBlocks = 6;
const scratchBytes = scratchBlocks * blockBytes;
/** Threads that can be at work in a memory at once, each with blocks of its own. */
export const threadsMax = 8;
const roomAt = threadsMax * scratchBytes;

const vectorsModule = new WebAssembly.Module(Buffer.from(vectorsProgram, "base64"));
const wireModule = new WebAssembly.Module(Buffer.from(wireProgram, "base64"));

/** Both programs with one memory: blocks to copy through, then room for arrays. Other threads can have the memory as well. */
export class Program {
  readonly vectors: Vectors;
  readonly wire: WireKernels;
  /** Where the blocks lie. */
  readonly places: readonly Address[];
  readonly blocks: readonly Float32Array[];
  private readonly bytes: Uint8Array;

  /** `thread`: which of those that are at work there. */
  constructor(
    readonly memory: WasmMemory<SharedArrayBuffer>,
    thread = 0,
  ) {
    const imports = { env: { memory } };
    this.vectors = new WebAssembly.Instance(vectorsModule, imports).exports as Vectors;
    this.wire = new WebAssembly.Instance(wireModule, imports).exports as WireKernels;
    this.places = Array.from({ length: scratchBlocks }, (_, i) => thread * scratchBytes + i * blockBytes);
    this.blocks = this.places.map((place) => new Float32Array(memory.buffer, place, blockFloats));
    this.bytes = new Uint8Array(memory.buffer);
  }

  static withRoom(roomBytes: number): Program {
    const pages = Math.ceil((roomAt + roomBytes) / wasmPageBytes);
    return new Program(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }));
  }

  /** Where the program finds `part`, at most a block: where it lies, or copied to a block. */
  enter(part: Part, block: number): Address {
    return this.holds(part) ? part.byteOffset : this.copy(part, block);
  }

  copy(part: Part, block: number): Address {
    const place = this.places[block]!;
    this.bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), place);
    return place;
  }

  /** Where the program puts what `part` is to hold. */
  room(part: Part, block: number): Address {
    return this.holds(part) ? part.byteOffset : this.places[block]!;
  }

  /** What the program has left in the block where `part` has entered, or has room. */
  leave(part: Part, block: number): void {
    if (this.holds(part)) return;
    const { buffer, byteOffset, byteLength } = part;
    const place = this.places[block]!;
    new Uint8Array(buffer, byteOffset, byteLength).set(this.bytes.subarray(place, place + byteLength));
  }

  private holds({ buffer }: Part): boolean {
    return buffer === this.memory.buffer;
  }
}

type Part = Float32Array | Uint8Array;

const common = Program.withRoom(0);
const homes = new WeakMap<ArrayBufferLike, Program>([[common.memory.buffer, common]]);

/** In whose memory the first of them lies that lies in any. */
export function programOf(...arrays: readonly Part[]): Program {
  for (const { buffer } of arrays) {
    const home = homes.get(buffer);
    if (home) return home;
  }
  return common;
}

/** The memory in which all of the arrays lie, to be sent to another thread; null: they do not lie in one. */
export function memoryOf(...arrays: readonly Float32Array[]): WasmMemory<SharedArrayBuffer> | null {
  const { memory } = programOf(...arrays);
  return arrays.every(({ buffer }) => buffer === memory.buffer) ? memory : null;
}

/** Makes a memory of another thread's known: passes over arrays of its buffer work there. `thread`: no other's, and not 0, which is its own. */
export function adoptMemory(memory: WasmMemory<SharedArrayBuffer>, thread: number): void {
  homes.set(memory.buffer, new Program(memory, thread));
}

/** Where an array begins: TensorFlow works in memory of others from such addresses only. */
export const alignmentFloats = 16;
/** What is lost between arrays, of so many. */
const gapBytes = 4 * alignmentFloats * 1024;

/** Addresses have 32 bits. */
const memoryBytesMax = 2 ** 32 - wasmPageBytes;
/** For so many numbers there can be a `VectorMemory`. */
export const vectorFloatsMax = (memoryBytesMax - roomAt - gapBytes) / 4;

/**
 * Room for arrays that are worked on without a copy, when all of a pass lie in it. Two thirds of the time of a step of AdamW
 * that has to copy goes into that. Another thread that is sent one has it at once, and sees what is written to it later. Arrays are
 * taken back all at once, by whoever is done with all of them (`rewind`).
 */
export class VectorMemory {
  private readonly program: Program | null;
  private next = roomAt;

  /** Of a memory that would be too large for the program there is none, and arrays lie elsewhere. */
  constructor(floats: number) {
    const bytes = 4 * floats + gapBytes;
    this.program = roomAt + bytes <= memoryBytesMax ? Program.withRoom(bytes) : null;
    if (this.program) homes.set(this.program.memory.buffer, this.program);
  }

  /** Nobody uses any of its arrays any more: the next ones lie where they lay. */
  rewind(): void {
    this.next = roomAt;
  }

  /** Zeros, or after `rewind` anything. Where there is no room any more it lies elsewhere: slower, no different. */
  floats(length: number): Float32Array {
    const { buffer } = this.program?.memory ?? { buffer: new ArrayBuffer(0) };
    if (this.next + 4 * length > buffer.byteLength) return new Float32Array(length);
    const array = new Float32Array(buffer, this.next, length);
    this.next += 4 * alignmentFloats * Math.ceil(length / alignmentFloats);
    return array;
  }
}
