import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Rng } from "./rng.js";

function draws(rng: Rng, count: number): number[] {
  return Array.from({ length: count }, () => rng.next());
}

test("the numbers of a key are fixed for ever: checkpoints and results depend on them", () => {
  const rng = new Rng(0, "augment", 3, 1);
  expect(draws(rng, 3)).toEqual([0.5803499987814575, 0.8519024066627026, 0.9159683480393142]);
});

test("two places that name the same key draw the same numbers", () => {
  expect(draws(new Rng(7, "a", 1), 20)).toEqual(draws(new Rng(7, "a", 1), 20));
});

test("keys that differ in one digit, or in order, share no numbers", () => {
  const keys = [[1], [2], [10], [11], [1, 2], [2, 1], [12], ["a", 1], ["a", 2], ["b", 1]] as (string | number)[][];
  const first = keys.map((key) => new Rng(...key).next());
  expect(new Set(first).size).toBe(keys.length);
});

describe("draws", () => {
  const rng = new Rng("distribution");
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

  test("are uniform in [0, 1)", () => {
    const values = draws(rng, 20_000);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(mean(values)).toBeCloseTo(0.5, 1);
    for (let decile = 0; decile < 10; decile++) {
      const share = values.filter((value) => Math.floor(value * 10) === decile).length / values.length;
      expect(share).toBeCloseTo(0.1, 1);
    }
  });

  test("of integers hit every value and none beside", () => {
    const values = Array.from({ length: 1_000 }, () => rng.integer(6));
    expect(new Set(values)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });

  test("in a range stay in it", () => {
    const values = Array.from({ length: 1_000 }, () => rng.uniform(-3, 5));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-3);
    expect(Math.max(...values)).toBeLessThan(5);
  });

  test("of the normal have mean 0 and deviation 1", () => {
    const values = Array.from({ length: 20_000 }, () => rng.normal());
    expect(mean(values)).toBeCloseTo(0, 1);
    expect(mean(values.map((value) => value * value))).toBeCloseTo(1, 1);
  });
});

test("shuffling keeps every item and leaves the original alone", () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.nat(), (items, seed) => {
      const before = items.slice();
      const shuffled = new Rng(seed).shuffled(items);
      expect(items).toEqual(before);
      expect(shuffled.toSorted()).toEqual(before.toSorted());
    }),
  );
});
