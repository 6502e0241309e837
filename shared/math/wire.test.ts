import { describe, expect, test } from "vitest";
import {
  blockFloats,
  decodeInto,
  decodeRange,
  encode,
  encodeSum,
  isCut,
  sumBytes,
  sumLengthIn,
  wires,
} from "./wire.js";

/** f32 from its bits. */
const float = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]!;
const bitsOf = (values: Float32Array) => [...new Uint32Array(Float32Array.from(values).buffer)];

function there(wire: (typeof wires)[number], values: Float32Array, body = values.length): Float32Array {
  const { bytes } = encode(wire, values, body);
  // As it comes out of a message: at an odd place.
  const moved = new Uint8Array(bytes.length + 1);
  moved.set(bytes, 1);
  const target = new Float32Array(values.length).fill(7);
  decodeInto(wire, moved.subarray(1), body, target);
  return target;
}

describe("bf16", () => {
  test("is the upper half of the f32, lower byte first", () => {
    // bfloat16 of 1, -2, pi cut to 8 bits, and the smallest number that is not zero, from the format's definition.
    const values = Float32Array.of(1, -2, 3.140625, float(0x00010000));
    expect([...encode("bf16", values, 4).bytes]).toEqual([0x80, 0x3f, 0x00, 0xc0, 0x49, 0x40, 0x01, 0x00]);
  });

  test("keeps denormal numbers, both zeros, infinities and what is no number", () => {
    const values = [0x00000000, 0x80000000, 0x00010000, 0x807f0000, 0x7f800000, 0xff800000, 0x7f7f0000].map(float);
    expect(bitsOf(there("bf16", Float32Array.from(values)))).toEqual(bitsOf(Float32Array.from(values)));
    expect(there("bf16", Float32Array.of(Number.NaN))[0]).toBeNaN();
  });
});

describe("int8", () => {
  test("is a power of two and whole numbers of it", () => {
    const values = Float32Array.of(0.5, -0.25, 127, -127, 0);
    const halves = Float32Array.of(63.5, -0.5, 0);
    // 127 = 127 x 2^0; what is not whole there must have been rounded before. 63.5 = 127 x 2^-1.
    expect([...encode("int8", values.map(Math.trunc), 5).bytes]).toEqual([127, 0, 0, 127, 256 - 127, 0]);
    expect([...encode("int8", halves, 3).bytes]).toEqual([126, 127, 255, 0]);
    expect([...there("int8", halves)]).toEqual([63.5, -0.5, 0]);
  });

  test("has a scale for every 32 numbers, the last ones included", () => {
    const values = new Float32Array(2 * blockFloats + 1).fill(2 ** 100, 0, blockFloats).fill(2 ** -100, blockFloats);
    const { bytes } = encode("int8", values, values.length);
    expect(bytes.length).toBe(values.length + 3);
    expect([bytes[0], bytes[33], bytes[66]]).toEqual([127 + 100 - 6, 127 - 100 - 6, 127 - 100 - 6]);
    expect(there("int8", values)).toEqual(values);
  });

  test("makes a whole block no number when one of it is not finite, and no other", () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const values = new Float32Array(3 * blockFloats).fill(1);
      values[blockFloats + 5] = odd;
      const arrived = there("int8", values);
      expect(arrived.subarray(blockFloats, 2 * blockFloats).every(Number.isNaN)).toBe(true);
      expect(arrived.filter((value) => value === 1)).toHaveLength(2 * blockFloats);
    }
  });

  test("writes what is too small for a scale as multiples of 2^-127", () => {
    const values = Float32Array.of(2 ** -127, -3 * 2 ** -127, 0);
    expect([...encode("int8", values, 3).bytes]).toEqual([0, 1, 253, 0]);
    expect(there("int8", values)).toEqual(values);
  });
});

describe("a sum", () => {
  const sum = Float32Array.from({ length: 102 }, (_, i) => (i % 64) - 32);
  sum[100] = 0.1;
  sum[101] = 12;

  test("has half the bytes as bf16, a quarter and its scales as int8; losses and image count stay f32", () => {
    expect(wires.map((wire) => sumBytes(wire, 102))).toEqual([408, 208, 100 + 4 + 8]);
    for (const wire of wires) {
      expect(encodeSum(wire, sum).length).toBe(sumBytes(wire, 102));
      expect(there(wire, sum, 100)).toEqual(sum);
    }
  });

  test.each(wires)("as %s tells its length from its bytes", (wire) => {
    for (let length = 2; length < 300; length++) expect(sumLengthIn(wire, sumBytes(wire, length))).toBe(length);
    const possible = new Set(Array.from({ length: 500 }, (_, i) => sumBytes(wire, i + 2)));
    for (let bytes = 0; bytes < 400; bytes++) if (!possible.has(bytes)) expect(sumLengthIn(wire, bytes)).toBe(-1);
  });

  test.each(wires)("as %s is cut at blocks, and nowhere else where they have a scale", (wire) => {
    const encoded = encode(wire, sum, 100);
    for (const [first, end] of [
      [0, 32],
      [32, 96],
      [64, 102],
      [96, 101],
      [100, 102],
      [102, 102],
    ] as const) {
      const target = new Float32Array(end - first);
      decodeRange(encoded, first, end, target);
      expect(target, `${first} to ${end}`).toEqual(sum.slice(first, end));
    }
    expect([31, 33, 99].map((index) => isCut(wire, 100, index))).toEqual(new Array(3).fill(wire !== "int8"));
    expect([0, 32, 96, 100, 101, 102].every((index) => isCut(wire, 100, index))).toBe(true);
  });
});
