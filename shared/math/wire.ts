/**
 * How sums of gradients travel (`cluster.wire`). A sum is its body, a number per parameter, and a tail (the losses' sum
 * and how many images they are of) that is never rounded. What is encoded here has been rounded before (rounding.ts), so
 * that encoding loses nothing: whoever decodes has the very numbers that the sender has.
 *
 * bf16: the upper half of each f32. int8: blocks of `blockFloats` numbers, a byte e and then a two's-complement byte q
 * each, which stand for q x 2^(e - 127); e = 255: something in the block is not finite. That is MXINT8 of the OCP
 * Microscaling Formats 1.0 (2023), but for the place of its point; as there, 32 numbers share a scale: it costs 3 % of
 * the bytes, and one large number makes only its 31 neighbours coarse. Sums are cut into slices at multiples of that.
 */
import { assert } from "../assert.js";
import { blockFloats, formats, pack, unpack } from "./wire-kernels.js";

export { blockFloats };

export const wires = ["f32", "bf16", "int8"] as const;
export type Wire = (typeof wires)[number];

/** Numbers behind the body: the sum of the losses, then how many images they are of. */
export const sumTailFloats = 2;

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
  return wire === "f32" ? count * 4 : formats[wire].bytes(count);
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
  const encoded = { wire, body, length, bytes: new Uint8Array(byteOffset(wire, body, length)) };
  encodeRange(encoded, 0, values);
  return encoded;
}

/** Numbers from `first` on become `values`, which are rounded. */
export function encodeRange(target: Encoded, first: number, values: Float32Array): void {
  const { wire, body, bytes } = rangeOf(target, first, first + values.length);
  const packed = bodyBytes(wire, body);
  if (wire === "f32") bytes.set(bytesOf(values.subarray(0, body)));
  else pack(formats[wire], values.subarray(0, body), bytes.subarray(0, packed));
  bytes.set(bytesOf(values.subarray(body)), packed);
}

/** A whole sum, rounded. */
export function encodeSum(wire: Wire, values: Float32Array): Uint8Array {
  return encode(wire, values, values.length - sumTailFloats).bytes;
}

/** The inverse. `bytes` may lie anywhere; `target` is as long as what they encode. */
export function decodeInto(wire: Wire, bytes: Uint8Array, body: number, target: Float32Array): void {
  assert(bytes.length === byteOffset(wire, body, target.length), `the bytes are of ${target.length} numbers`);
  const packed = bodyBytes(wire, body);
  if (wire === "f32") bytesOf(target).set(bytes.subarray(0, packed));
  else unpack(formats[wire], bytes.subarray(0, packed), target.subarray(0, body));
  bytesOf(target.subarray(body)).set(bytes.subarray(packed));
}

/** Numbers [first, end) of what is encoded, where they lie. */
export function rangeOf({ wire, body, bytes }: Encoded, first: number, end: number): Encoded {
  const within = Math.max(0, Math.min(end, body) - first);
  const range = bytes.subarray(byteOffset(wire, body, first), byteOffset(wire, body, end));
  return { wire, body: within, length: end - first, bytes: range };
}

/** Numbers [first, end) of what is encoded. */
export function decodeRange(encoded: Encoded, first: number, end: number, target: Float32Array): void {
  const { wire, body, bytes } = rangeOf(encoded, first, end);
  decodeInto(wire, bytes, body, target);
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
