/** A sum that is rounded as it is written is the one that was rounded before. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { roundingOf, sumAsSent, writeSum } from "./rounding.js";
import { TreeAccumulator } from "./tree-sum.js";
import { VectorMemory } from "./vectors.js";
import { type Encoded, encode, encodeSum, sumBytes, sumTailFloats, wires } from "./wire.js";

const lossy = ["bf16", "int8"] as const;
const key = { seed: 4, stage: { model: "segmenter", round: 2 }, step: 9 };
const leaf = { level: 0, index: 3 };

function gradient(length: number, phase = 0): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(i + phase) * 10 ** ((i % 9) - 4));
}

/** Somewhere, or in memory that the program works in. */
function targetOf(wire: (typeof lossy)[number], length: number, isInMemory: boolean): Encoded {
  const bytes = sumBytes(wire, length);
  const room = isInMemory ? new VectorMemory(bytes).floats(bytes) : new Float32Array(bytes);
  return { wire, body: length - sumTailFloats, length, bytes: new Uint8Array(room.buffer, room.byteOffset, bytes) };
}

describe.each(lossy)("as %s", (wire) => {
  test("has the bytes of the sum that was rounded, and leaves the numbers as they are", () => {
    for (const length of [2, 3, 34, 70, 16_384, 16_387, 40_000])
      for (const isInMemory of [false, true]) {
        const values = gradient(length);
        const rounded = values.slice();
        roundingOf({ ...key, wire })(leaf, rounded);
        const target = targetOf(wire, length, isInMemory);
        expect(writeSum({ ...key, wire }, { values, due: leaf }, target)).toBe(-1);
        expect(Buffer.compare(target.bytes, encodeSum(wire, rounded))).toBe(0);
        expect(values).toEqual(gradient(length));
        expect(Buffer.compare(sumAsSent({ ...key, wire }, { values, due: leaf }), target.bytes)).toBe(0);
        expect(Buffer.compare(sumAsSent({ ...key, wire }, { values: rounded, due: null }), target.bytes)).toBe(0);
      }
  });

  test("tells where it is not finite, once it is rounded", () => {
    const length = 16_384 + 70;
    for (const at of [0, 1, 33, 16_383, 16_384, length - 3, length - 2, length - 1])
      for (const odd of [Number.NaN, Number.NEGATIVE_INFINITY]) {
        const values = gradient(length);
        values[at] = odd;
        const rounded = values.slice();
        roundingOf({ ...key, wire })(leaf, rounded);
        const found = rounded.findIndex((value) => !Number.isFinite(value));
        expect(found).toBeGreaterThanOrEqual(0);
        expect(writeSum({ ...key, wire }, { values, due: leaf }, targetOf(wire, length, false))).toBe(found);
      }
  });

  test("finds what rounding alone makes infinite", () => {
    const largest = new Float32Array(66).fill((2 - 2 ** -23) * 2 ** 127, 0, 64);
    expect(
      writeSum({ ...key, wire }, { values: largest, due: leaf }, targetOf(wire, 66, false)),
    ).toBeGreaterThanOrEqual(0);
  });
});

test("f32 goes as it is", () => {
  const values = gradient(10);
  expect(sumAsSent({ ...key, wire: "f32" }, { values, due: leaf })).toEqual(encode("f32", values, 8).bytes);
});

test("sums that are rounded as they are written are those of a tree that rounds them", () => {
  const cases = fc.record({ leafCount: fc.integer({ min: 1, max: 11 }), a: fc.nat(100), b: fc.nat(100) });
  fc.assert(
    fc.property(cases, fc.constantFrom(...wires), ({ leafCount, a, b }, wire) => {
      const first = a % leafCount;
      const end = first + 1 + (b % (leafCount - first));
      const round = roundingOf({ ...key, wire });
      const [open, rounded] = [new TreeAccumulator(leafCount, round), new TreeAccumulator(leafCount, round)];
      for (let index = first; index < end; index++)
        for (const sums of [open, rounded]) expect(sums.addLeaf(index, gradient(72, index))).toBe(true);
      const sent = open.open().map((sum) => [sum.node, Buffer.from(sumAsSent({ ...key, wire }, sum))]);
      expect(sent).toEqual(rounded.nodes().map(({ node, sum }) => [node, Buffer.from(encodeSum(wire, sum))]));
    }),
  );
});
