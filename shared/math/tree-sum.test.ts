import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coverRange, leavesOf, nodeKey, openSumsMax, rootOf, TreeAccumulator, type TreeNode } from "./tree-sum.js";
import { addInto } from "./vectors.js";

/** Leaf sums whose order of addition shows: magnitudes far apart, so that f32 rounds differently. */
function leafValues(leafCount: number, seed: number): Float32Array[] {
  return Array.from({ length: leafCount }, (_, leaf) => {
    return Float32Array.from({ length: 5 }, (_, i) => Math.sin(seed + leaf * 7.3 + i) * 10 ** ((leaf * 3 + i * 5) % 9));
  });
}

/** The sum of a run of leaves at its nodes, as a worker computes it: leaf by leaf, through the same tree. */
function partialSums(leaves: readonly Float32Array[], first: number, end: number) {
  return coverRange({ first, end }, leaves.length).map((node) => {
    const sums = new TreeAccumulator(leaves.length);
    const range = leavesOf(node, leaves.length);
    for (let leaf = range.first; leaf < range.end; leaf++) sums.add({ level: 0, index: leaf }, leaves[leaf]!.slice());
    const held = sums.nodes();
    expect(held).toHaveLength(1);
    return { node, sum: held[0]!.sum };
  });
}

function totalOf(leaves: readonly Float32Array[], parts: readonly { node: TreeNode; sum: Float32Array }[]) {
  const sums = new TreeAccumulator(leaves.length);
  for (const { node, sum } of parts) expect(sums.add(node, sum)).toBe(true);
  return sums.total();
}

test("how many sums of neighbouring leaves are open at once: no more than is said, and as many for some run of them", () => {
  const worst = new Map<number, number>();
  for (let leafCount = 1; leafCount <= 40; leafCount++) {
    for (let first = 0; first < leafCount; first++) {
      const sums = new TreeAccumulator(leafCount);
      let open = 0;
      for (let leaf = first; leaf < leafCount; leaf++) {
        open = Math.max(open, sums.open().length + 1);
        sums.addLeaf(leaf, new Float32Array(1));
        const count = leaf + 1 - first;
        worst.set(count, Math.max(worst.get(count) ?? 0, open));
      }
    }
  }
  for (let count = 1; count <= 20; count++) expect([count, openSumsMax(count)]).toEqual([count, worst.get(count)]);
});

test("whoever lends memory for sums hears which of them is free: those that were added to others", () => {
  const free: Float32Array[] = [];
  const sums = new TreeAccumulator(3, undefined, (used) => free.push(used));
  const leaves = leafValues(3, 1);
  for (const [leaf, values] of leaves.entries()) sums.addLeaf(leaf, values);
  expect(free).toEqual([leaves[1], leaves[2]]);
  expect(sums.total()).toBe(leaves[0]);
});

const leafCounts = fc.integer({ min: 1, max: 37 });

describe("the sum of a step", () => {
  test("has the same bits for any number of workers and any order of arrival", () => {
    const cuts = fc.array(fc.nat(1_000), { maxLength: 12 });
    const orders = fc.array(fc.double({ noNaN: true }), { minLength: 80, maxLength: 80 });
    fc.assert(
      fc.property(leafCounts, cuts, orders, fc.nat(100), (leafCount, cutPoints, order, seed) => {
        const leaves = leafValues(leafCount, seed);
        const alone = totalOf(leaves, partialSums(leaves, 0, leafCount));
        const ends = [...new Set([...cutPoints.map((cut) => cut % leafCount), leafCount])].sort((a, b) => a - b);
        const shares = ends.flatMap((end, i) => (end > (ends[i - 1] ?? 0) ? [[ends[i - 1] ?? 0, end] as const] : []));
        const parts = shares.flatMap(([first, end]) => partialSums(leaves, first, end));
        const arrived = parts.map((part, i) => ({ part, at: order[i]! })).sort((a, b) => a.at - b.at);
        expect(
          totalOf(
            leaves,
            arrived.map(({ part }) => part),
          ),
        ).toEqual(alone);
      }),
    );
  });

  test("differs from a plain sum in leaf order: without the tree, the number of workers would show", () => {
    const leaves = leafValues(8, 1);
    const plain = leaves[0]!.slice();
    for (const leaf of leaves.slice(1)) addInto(plain, leaf);
    expect(totalOf(leaves, partialSums(leaves, 0, 8))).not.toEqual(plain);
  });

  test("is there only when every leaf is", () => {
    const sums = new TreeAccumulator(3);
    expect(sums.add({ level: 0, index: 2 }, new Float32Array(1))).toBe(true);
    expect(sums.add({ level: 0, index: 0 }, new Float32Array(1))).toBe(true);
    expect(sums.total()).toBeNull();
    sums.add({ level: 0, index: 1 }, new Float32Array(1));
    expect(sums.total()).toEqual(new Float32Array(1));
  });

  test("of one leaf is the leaf", () => {
    expect(totalOf([Float32Array.of(7)], [{ node: rootOf(1), sum: Float32Array.of(7) }])).toEqual(Float32Array.of(7));
  });
});

describe("a duplicate", () => {
  test("of a node, or of any part of what is counted, changes nothing", () => {
    fc.assert(
      fc.property(leafCounts, fc.nat(1_000), fc.nat(1_000), (leafCount, a, b) => {
        const leaves = leafValues(leafCount, 2);
        const sums = new TreeAccumulator(leafCount);
        const first = a % leafCount;
        for (const { node, sum } of partialSums(leaves, first, leafCount)) sums.add(node, sum);
        const before = sums.nodes().map(({ node, sum }) => [nodeKey(node), [...sum]]);
        const leaf = first + (b % (leafCount - first));
        expect(sums.add({ level: 0, index: leaf }, new Float32Array(5).fill(1e9))).toBe(false);
        expect(sums.nodes().map(({ node, sum }) => [nodeKey(node), [...sum]])).toEqual(before);
      }),
    );
  });
});

describe("covering a run of leaves", () => {
  test("counts each of its leaves once and no other, left to right, with few nodes", () => {
    fc.assert(
      fc.property(leafCounts, fc.nat(1_000), fc.nat(1_000), (leafCount, a, b) => {
        const first = a % leafCount;
        const end = first + 1 + (b % (leafCount - first));
        const nodes = coverRange({ first, end }, leafCount);
        const leaves = nodes.flatMap((node) => {
          const range = leavesOf(node, leafCount);
          return Array.from({ length: range.end - range.first }, (_, i) => range.first + i);
        });
        expect(leaves).toEqual(Array.from({ length: end - first }, (_, i) => first + i));
        expect(nodes.length).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(leafCount + 1)));
      }),
    );
  });

  test("of all leaves is the root, also where the tree is lopsided", () => {
    for (let count = 1; count <= 40; count++)
      expect(coverRange({ first: 0, end: count }, count)).toEqual([rootOf(count)]);
  });

  test("of nothing, or of leaves that are not there, is a bug", () => {
    expect(() => coverRange({ first: 2, end: 2 }, 4)).toThrow("range lies within the leaves");
    expect(() => coverRange({ first: 0, end: 5 }, 4)).toThrow("range lies within the leaves");
  });
});
