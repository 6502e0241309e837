import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../shared/codec/digest.js";
import { type RoundSum, roundingOf } from "../../shared/math/rounding.js";
import { coverRange, TreeAccumulator } from "../../shared/math/tree-sum.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import { bodyOf, type Encoded, encode, rangeOf, type Wire, wires } from "../../shared/math/wire.js";
import { SlicedFloats, type Summand, sumInto, summedFloats } from "./summing.js";

const roundingAs = (wire: Wire) => roundingOf({ wire, seed: 2, stage: { model: "segmenter", round: 1 }, step: 3 });
const bitsOf = (values: Float32Array) => Buffer.from(bytesOf(values));

/** A sum of `length` at each of the nodes, rounded; every leaf with magnitudes of its own. */
function sumsOf(leafCount: number, cuts: readonly number[], length: number, round: RoundSum) {
  const ends = [...new Set([...cuts.map((cut) => cut % leafCount), leafCount])].sort((a, b) => a - b);
  const nodes = ends.flatMap((end, i) => {
    const first = ends[i - 1] ?? 0;
    return end > first ? coverRange({ first, end }, leafCount) : [];
  });
  return nodes.map((node, k) => {
    const values = Float32Array.from({ length }, (_, i) => Math.sin(i * (k + 1)) * 10 ** ((i + k) % 5));
    round(node, values);
    return { node, values };
  });
}

/** Where it lies must not show. */
function placed(bytes: Uint8Array, isInMemory: boolean): Uint8Array {
  const target = isInMemory
    ? bytesOf(new VectorMemory(bytes.length).floats(bytes.length))
    : new Uint8Array(bytes.length);
  target.set(bytes);
  return target.subarray(0, bytes.length);
}

/** As a worker keeps it. */
function sliceOf(wire: Wire, first: number, end: number, length: number, isInMemory: boolean): Encoded {
  const body = bodyOf(first, end, length);
  const { bytes } = encode(wire, new Float32Array(end - first), body);
  return { wire, body, length: end - first, bytes: placed(bytes, isInMemory) };
}

const cases = fc.record({
  leafCount: fc.integer({ min: 1, max: 9 }),
  cuts: fc.array(fc.nat(100), { maxLength: 4 }),
  /** Of the slice: less than a block that is summed at a time, and more. */
  blocks: fc.constantFrom(0, 1, 3, summedFloats / 32, summedFloats / 32 + 5),
  rest: fc.nat(40),
  firstBlock: fc.nat(6),
  where: fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
});

describe("a slice of the step's sum", () => {
  test.each(wires)("as %s has the bits of the tree over whole vectors, wherever its summands lie", (wire) => {
    const round = roundingAs(wire);
    fc.assert(
      fc.property(cases, ({ leafCount, cuts, blocks, rest, firstBlock, where }) => {
        const first = firstBlock * 32;
        const length = first + blocks * 32 + rest + 2;
        const sums = sumsOf(leafCount, cuts, length, round);
        const tree = new TreeAccumulator(leafCount, (node, sum) => round(node, sum, 0, length));
        for (const { node, values } of sums) tree.add(node, values.slice());
        const expected = encode(wire, tree.total()!.subarray(first), bodyOf(first, length, length));
        const summands = sums.map(({ node, values }, i): Summand => {
          const range = rangeOf(encode(wire, values.slice(), length - 2), first, length);
          return { node, encoded: { ...range, bytes: placed(range.bytes, where[i % 11]!) } };
        });
        const memory = new VectorMemory(summedFloats * sums.length);
        const rooms = sums.map(() => (where[0] ? memory.floats(summedFloats) : new Float32Array(summedFloats)));
        const given = summands.map(({ encoded }) => Buffer.from(encoded.bytes));
        const target = sliceOf(wire, first, length, length, where[11]!);
        const roundBlock = (...[node, sum, at]: [...Parameters<RoundSum>]) => round(node, sum, first + at!, length);
        expect(sumInto(target, summands, leafCount, roundBlock, rooms)).toBe(true);
        expect(Buffer.compare(target.bytes, expected.bytes)).toBe(0);
        // Others may still pull them.
        for (const [i, { encoded }] of summands.entries()) expect(Buffer.compare(encoded.bytes, given[i]!)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("is none where a leaf is missing", () => {
    const encoded = encode("f32", new Float32Array(4), 2);
    const [left, right] = [0, 2].map((index) => ({ node: { level: 0, index }, encoded }));
    const rooms = [new Float32Array(summedFloats), new Float32Array(summedFloats)];
    expect(sumInto(sliceOf("f32", 0, 4, 4, false), [left!, right!], 3, () => undefined, rooms)).toBe(false);
  });
});

test.each(wires)("slices as %s are read as the numbers they are of, wherever a page begins and ends", async (wire) => {
  const length = 64 + 32 + 38 + 2;
  const values = Float32Array.from({ length }, (_, i) => Math.cos(i));
  roundingAs(wire)({ level: 0, index: 0 }, values);
  const whole = encode(wire, values, length - 2);
  const cuts = [0, 64, 64, 96, length];
  const slices = cuts.slice(1).map((end, i) => rangeOf(whole, cuts[i]!, end));
  const floats = new SlicedFloats(slices, new Float32Array(length));
  expect(floats.length).toBe(length);
  for (const [at, end] of [
    [0, length],
    [0, 64],
    [32, 64],
    [64, 96],
    [32, length - 2],
    [96, length],
    [length - 2, length],
  ] as const)
    expect(bitsOf(await floats.page(at, end)).equals(bitsOf(values.slice(at, end))), `${at} to ${end}`).toBe(true);
});
