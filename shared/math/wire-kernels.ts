/** Rounding and writing what travels, with vector instructions (wasm/wire), a block that stays in the cache at a time. */
import { assert } from "../assert.js";
import { blockFloats as chunkFloats, programOf, scratchBlocks } from "./vector-memory.js";

/** How a wire rounds and writes; bytes of a body of so many numbers. */
export interface Format {
  readonly round: "roundHalves" | "roundBlocks";
  readonly pack: "packHalves" | "packBlocks";
  readonly unpack: "unpackHalves" | "unpackBlocks";
  readonly bytes: (count: number) => number;
}

/** Numbers that share a scale (wire.ts says why). */
export const blockFloats = 32;

export const formats = {
  bf16: { round: "roundHalves", pack: "packHalves", unpack: "unpackHalves", bytes: (count) => count * 2 },
  int8: {
    ...{ round: "roundBlocks", pack: "packBlocks", unpack: "unpackBlocks" },
    bytes: (count) => count + Math.ceil(count / blockFloats),
  },
} as const satisfies Record<string, Format>;

/** What rounding draws: by the first number's place in what the draws count, a multiple of `blockFloats`. */
export interface Draw {
  readonly first: number;
  readonly key: number;
}

/** Hears of a part while it is in the cache. */
export type Heard<Part> = (part: Part) => void;

/** Which blocks things are copied through. */
const [numbersBlock, packedBlock, keptBlock] = [0, 1, scratchBlocks - 1];

/** [at, end) of each chunk: of whole blocks, but for the last. */
function* chunksOf(length: number): Generator<readonly [number, number]> {
  for (let at = 0; at < length; at += chunkFloats) yield [at, Math.min(at + chunkFloats, length)];
}

/** In place. `first`: of the first number, in what the draws count; a multiple of `blockFloats`. */
export function round(format: Format, values: Float32Array, first: number, key: number): void {
  const program = programOf(values);
  for (const [at, end] of chunksOf(values.length)) {
    const part = values.subarray(at, end);
    program.wire[format.round](program.enter(part, numbersBlock), end - at, first + at, key);
    program.leave(part, numbersBlock);
  }
}

/** `values` are rounded. */
export function pack(format: Format, values: Float32Array, target: Uint8Array): void {
  assert(target.length >= format.bytes(values.length), "there is room for the packed numbers");
  const program = programOf(values, target);
  for (const [at, end] of chunksOf(values.length)) {
    const packed = target.subarray(format.bytes(at), format.bytes(end));
    const from = program.enter(values.subarray(at, end), numbersBlock);
    program.wire[format.pack](from, end - at, program.room(packed, packedBlock));
    program.leave(packed, packedBlock);
  }
}

/**
 * `values` packed as they are rounded by the draws, while they stay as they are; without draws they are rounded. `packedNow` hears of
 * each chunk of them, packed. Where the first number lies that then is NaN or infinite; -1: nowhere.
 */
export function packRounded(
  format: Format,
  values: Float32Array,
  draw: Draw | null,
  target: Uint8Array,
  packedNow: Heard<Uint8Array> = () => undefined,
): number {
  assert(target.length >= format.bytes(values.length), "there is room for the packed numbers");
  const program = programOf(target, values);
  const block = program.blocks[0]!;
  let notFinite = -1;
  for (const [at, end] of chunksOf(values.length)) {
    const count = end - at;
    const packed = target.subarray(format.bytes(at), format.bytes(end));
    const numbers = program.copy(values.subarray(at, end), numbersBlock);
    // As far as the search may look.
    block.fill(0, count, count + 3);
    if (draw) program.wire[format.round](numbers, count, draw.first + at, draw.key);
    program.wire[format.pack](numbers, count, program.room(packed, packedBlock));
    program.leave(packed, packedBlock);
    packedNow(packed);
    if (notFinite < 0 && program.vectors.areFinite(numbers, count, 1) === 0)
      notFinite = at + block.findIndex((value) => !Number.isFinite(value));
  }
  return notFinite;
}

export function unpack(format: Format, packed: Uint8Array, target: Float32Array): void {
  assert(packed.length >= format.bytes(target.length), "all numbers are there, packed");
  const program = programOf(target, packed);
  for (const [at, end] of chunksOf(target.length)) {
    const part = target.subarray(at, end);
    const from = program.enter(packed.subarray(format.bytes(at), format.bytes(end)), packedBlock);
    program.wire[format.unpack](from, end - at, program.room(part, numbersBlock));
    program.leave(part, numbersBlock);
  }
}

/**
 * `values`, a chunk at most, move by what leads to where `move` wants them, rounded. `target`: gets that packed. False: `move` has said
 * so, and they stay.
 */
export function moveRounded(
  { round, pack, bytes }: Format,
  values: Float32Array,
  move: (moved: Float32Array) => boolean,
  draw: Draw,
  target: Uint8Array | null,
): boolean {
  const { length } = values;
  assert(length <= chunkFloats, "what has moved lies in a block");
  const program = programOf(values);
  const { wire } = program;
  const kept = program.places[keptBlock]!;
  if (!move(program.blocks[keptBlock]!.subarray(0, length))) return false;
  const at = program.enter(values, numbersBlock);
  wire.subtract(kept, at, length);
  wire[round](kept, length, draw.first, draw.key);
  if (target) {
    assert(target.length === bytes(length), "there is room for the packed change");
    wire[pack](kept, length, program.room(target, packedBlock));
    program.leave(target, packedBlock);
  }
  wire.add(at, kept, length);
  program.leave(values, numbersBlock);
  return true;
}

/** What is packed is added to `values`. `moved` hears of each chunk of them. */
export function addPacked(
  { unpack, bytes }: Format,
  values: Float32Array,
  packed: Uint8Array,
  moved: Heard<Float32Array>,
): void {
  assert(packed.length >= bytes(values.length), "all numbers are there, packed");
  const program = programOf(values, packed);
  const kept = program.places[keptBlock]!;
  for (const [at, end] of chunksOf(values.length)) {
    const part = values.subarray(at, end);
    const sum = program.enter(part, numbersBlock);
    const from = program.enter(packed.subarray(bytes(at), bytes(end)), packedBlock);
    program.wire[unpack](from, end - at, kept);
    program.wire.add(sum, kept, end - at);
    program.leave(part, numbersBlock);
    moved(part);
  }
}
