/**
 * Whatever the wire, the sum that everybody arrives at is one: for any runs of micro-batches that workers take, any order,
 * partial sums that travelled or did not, and any number of slices that somebody else sums.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type RoundSum, roundingOf } from "../../shared/math/rounding.js";
import { coverRange, TreeAccumulator, type TreeNode } from "../../shared/math/tree-sum.js";
import { bodyOf, decodeInto, decodeRange, type Encoded, encode, sumTailFloats, wires } from "../../shared/math/wire.js";
import { Rng } from "../../shared/rng.js";
import { sliceRange } from "./exchange-state.js";

interface Case {
  readonly leafCount: number;
  readonly parameters: number;
  /** Where one worker's run of micro-batches ends and the next one's begins. */
  readonly cuts: readonly number[];
  readonly slices: number;
  readonly seed: number;
}

const cases: fc.Arbitrary<Case> = fc.record({
  leafCount: fc.integer({ min: 1, max: 12 }),
  parameters: fc.integer({ min: 1, max: 150 }),
  cuts: fc.array(fc.integer({ min: 1, max: 11 }), { maxLength: 6 }),
  slices: fc.integer({ min: 1, max: 9 }),
  seed: fc.nat(1_000),
});

/** Gradients whose blocks have other scales in every leaf, some of them cancelling. */
function leaf(index: number, { parameters, seed }: Case): Float32Array {
  const rng = new Rng(seed, "leaf", index);
  const values = new Float32Array(parameters + sumTailFloats);
  for (let i = 0; i < parameters; i++) values[i] = rng.normal() * 2 ** ((i >> 5) * 3 - index);
  values.set([rng.uniform(0, 5), 2], parameters);
  return values;
}

interface Sent {
  readonly node: TreeNode;
  readonly encoded: Encoded;
}

/** What one worker has for the others. */
function partialSums(first: number, end: number, of: Case, round: RoundSum, wire: (typeof wires)[number]): Sent[] {
  const sums = new TreeAccumulator(of.leafCount, round);
  for (let index = end - 1; index >= first; index--) sums.addLeaf(index, leaf(index, of));
  const nodes = sums.nodes();
  expect(nodes.map(({ node }) => node)).toEqual(coverRange({ first, end }, of.leafCount));
  return nodes.map(({ node, sum }) => ({ node, encoded: encode(wire, sum, of.parameters) }));
}

function totalOf(of: Case, wire: (typeof wires)[number], cuts: readonly number[], slices: number): Float32Array {
  const { leafCount, parameters, seed } = of;
  const length = parameters + sumTailFloats;
  const round = roundingOf({ wire, seed, stage: { model: "segmenter", round: 1 }, step: 7 });
  const ends = [...new Set([...cuts.filter((cut) => cut < leafCount), leafCount])].sort((a, b) => a - b);
  const sent = ends.flatMap((end, i) => partialSums(ends[i - 1] ?? 0, end, of, round, wire));
  const total = new Float32Array(length);
  for (let slice = 0; slice < slices; slice++) {
    const { first, end } = sliceRange(slice, slices, length);
    const sums = new TreeAccumulator(leafCount, (node, sum) => round(node, sum, first, length));
    for (const { node, encoded } of [...sent].reverse()) {
      const target = new Float32Array(end - first);
      decodeRange(encoded, first, end, target);
      sums.add(node, target);
    }
    const body = bodyOf(first, end, length);
    decodeInto(wire, encode(wire, sums.total()!, body).bytes, body, total.subarray(first, end));
  }
  return total;
}

const bitsOf = (values: Float32Array) => [...new Uint32Array(values.buffer)];

test.each(wires)("as %s the sum has the same bits for any workers and slices", (wire) => {
  fc.assert(
    fc.property(cases, (of) => {
      expect(bitsOf(totalOf(of, wire, of.cuts, of.slices))).toEqual(bitsOf(totalOf(of, wire, [], 1)));
    }),
    { numRuns: 150 },
  );
});

test("the three wires round differently, and agree on losses and image count", () => {
  const of: Case = { leafCount: 4, parameters: 100, cuts: [2], slices: 2, seed: 1 };
  const [exact, halves, bytes] = wires.map((wire) => totalOf(of, wire, of.cuts, of.slices));
  for (const total of [halves!, bytes!]) {
    expect(bitsOf(total.slice(100))).toEqual(bitsOf(exact!.slice(100)));
    expect(bitsOf(total)).not.toEqual(bitsOf(exact!));
  }
  expect(bitsOf(halves!)).not.toEqual(bitsOf(bytes!));
});

test("slices are whole blocks, cover everything, and some are empty where there are few numbers", () => {
  fc.assert(
    fc.property(fc.integer({ min: 3, max: 500 }), fc.integer({ min: 1, max: 20 }), (length, count) => {
      let at = 0;
      for (let i = 0; i < count; i++) {
        const { first, end } = sliceRange(i, count, length);
        expect(first).toBe(at);
        expect(end === length || end % 32 === 0).toBe(true);
        at = end;
      }
      expect(at).toBe(length);
    }),
  );
});
