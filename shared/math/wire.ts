/**
 * How sums of gradients travel (`cluster.wire`). A sum is its body, a number per parameter, and a tail (the losses' sum
 * and how many images they are of) that is never rounded. What is encoded here has been rounded before (rounding.ts), so
 * that encoding loses nothing: whoever decodes has the very numbers that the sender has.
 *
 * bf16: the upper half of each f32. int8: blocks of `blockFloats` numbers, a byte e and then a two's-complement byte q
 * each, which stand for q x 2^(e - 127); e = 255: something in the block is not finite. That is MXINT8 of the OCP
 * Microscaling Formats 1.0 (2023), but for the place of its point.
 */
import { assert } from "../assert.js";

export const wires = ["f32", "bf16", "int8"] as const;
export type Wire = (typeof wires)[number];

/**
 * Numbers that share a scale, as in the Microscaling formats: a scale costs 3 % of the bytes, and one large number makes
 * only its 31 neighbours coarse. Sums are cut into slices at multiples of it.
 */
export const blockFloats = 32;

/** Numbers behind the body: the sum of the losses, then how many images they are of. */
export const sumTailFloats = 2;

/** The byte in place of a scale when a number of the block is NaN or infinite. */
export const notFiniteScale = 255;

const scaleBias = 127;

/** 2^(e - 127), in f32 exactly. */
const scales = Float32Array.from({ length: 256 }, (_, e) => (e === notFiniteScale ? Number.NaN : 2 ** (e - scaleBias)));

/** Numbers as they travel: the first `body` of them encoded, the others as f32. */
export interface Encoded {
  readonly wire: Wire;
  readonly body: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** How much of the numbers [first, end) of a sum of `length` is body. */
export function bodyOf(first: number, end: number, length: number): number {
  return Math.max(0, Math.min(end, length - sumTailFloats) - first);
}

/** Where number `index` of so much body begins, bytes. Within an int8 body it is a multiple of `blockFloats`. */
export function byteOffset(wire: Wire, body: number, index: number): number {
  const within = Math.min(index, body);
  return bodyBytes(wire, within) + 4 * (index - within);
}

function bodyBytes(wire: Wire, count: number): number {
  if (wire === "f32") return count * 4;
  return wire === "bf16" ? count * 2 : count + Math.ceil(count / blockFloats);
}

/** Bytes of a whole sum of `length` numbers. */
export function sumBytes(wire: Wire, length: number): number {
  return byteOffset(wire, length - sumTailFloats, length);
}

/** How many numbers a sum of so many bytes has; -1: no sum has. */
export function sumLengthIn(wire: Wire, bytes: number): number {
  const inBody = bytes - sumTailFloats * 4;
  const perFloat = wire === "f32" ? 4 : 2;
  const body = wire === "int8" ? inBody - Math.ceil(inBody / (blockFloats + 1)) : inBody / perFloat;
  const length = body + sumTailFloats;
  return Number.isInteger(length) && body >= 0 && sumBytes(wire, length) === bytes ? length : -1;
}

/** Whether a range can be cut out of encoded numbers at this place. */
export function isCut(wire: Wire, body: number, index: number): boolean {
  return wire !== "int8" || index >= body || index % blockFloats === 0;
}

/** `values`: rounded; the first `body` of them are encoded. An f32 wire takes them as they are, without a copy. */
export function encode(wire: Wire, values: Float32Array, body: number): Encoded {
  const { length } = values;
  if (wire === "f32") return { wire, body, length, bytes: bytesOf(values) };
  const bytes = new Uint8Array(byteOffset(wire, body, length));
  if (wire === "bf16") packHalves(values, body, bytes);
  else packBlocks(values, body, bytes);
  bytes.set(bytesOf(values.subarray(body)), bodyBytes(wire, body));
  return { wire, body, length, bytes };
}

/** A whole sum, rounded. */
export function encodeSum(wire: Wire, values: Float32Array): Uint8Array {
  return encode(wire, values, values.length - sumTailFloats).bytes;
}

/** The inverse. `bytes` may lie anywhere; `target` is as long as what they encode. */
export function decodeInto(wire: Wire, bytes: Uint8Array, body: number, target: Float32Array): void {
  assert(bytes.length === byteOffset(wire, body, target.length), `the bytes are of ${target.length} numbers`);
  const packed = bodyBytes(wire, body);
  if (wire === "bf16") unpackHalves(bytes, body, target);
  else if (wire === "int8") unpackBlocks(bytes, body, target);
  else bytesOf(target).set(bytes.subarray(0, packed));
  bytesOf(target.subarray(body)).set(bytes.subarray(packed));
}

/** Numbers [first, end) of what is encoded. */
export function decodeRange({ wire, body, bytes }: Encoded, first: number, end: number, target: Float32Array): void {
  const [from, to] = [byteOffset(wire, body, first), byteOffset(wire, body, end)];
  decodeInto(wire, bytes.subarray(from, to), Math.max(0, Math.min(end, body) - first), target);
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function packHalves(values: Float32Array, body: number, bytes: Uint8Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, body);
  const halves = new Uint16Array(bytes.buffer, 0, body);
  for (let i = 0; i < body; i++) halves[i] = bits[i]! >>> 16;
}

function unpackHalves(bytes: Uint8Array, body: number, target: Float32Array): void {
  // What comes out of a message is not aligned.
  const aligned = bytes.byteOffset % 2 === 0 ? bytes : Uint8Array.from(bytes);
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, body);
  const bits = new Uint32Array(target.buffer, target.byteOffset, body);
  for (let i = 0; i < body; i++) bits[i] = halves[i]! << 16;
}

function packBlocks(values: Float32Array, body: number, bytes: Uint8Array): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, body);
  let to = 0;
  for (let at = 0; at < body; at += blockFloats) {
    const end = Math.min(at + blockFloats, body);
    const scale = scaleOf(bits, at, end);
    bytes[to++] = scale;
    // A block that is not finite has no numbers.
    const inverse = scale === notFiniteScale ? 0 : inverseOf(scale);
    for (let i = at; i < end; i++) bytes[to++] = (values[i]! * inverse) | 0;
  }
}

function unpackBlocks(bytes: Uint8Array, body: number, target: Float32Array): void {
  const signed = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  let from = 0;
  for (let at = 0; at < body; at += blockFloats) {
    const end = Math.min(at + blockFloats, body);
    const scale = scales[bytes[from++]!]!;
    for (let i = at; i < end; i++) target[i] = signed[from++]! * scale;
  }
}

/** The smallest scale at which no number of the block is more than 127: its byte. `bits`: of f32. */
export function scaleOf(bits: Uint32Array, at: number, end: number): number {
  let largest = 0;
  for (let i = at; i < end; i++) {
    const magnitude = bits[i]! & 0x7fffffff;
    if (magnitude > largest) largest = magnitude;
  }
  if (largest >= 0x7f800000) return notFiniteScale;
  // Of 1.m x 2^k as an integer of 7 bits, 64 to 127, the last one stands for 2^(k - 6); above 127 / 64 it is one too few.
  const exponent = (largest >>> 23) - 6 + Number((largest & 0x7fffff) > 0x7e0000);
  return Math.max(0, exponent);
}

/** What a scale multiplies by, and its inverse: powers of two, so that both are exact. */
export function scaleValue(scale: number): number {
  return scales[scale]!;
}

export function inverseOf(scale: number): number {
  return scales[2 * scaleBias - scale]!;
}
