import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { passedOverMax, speedSamplesMax } from "../../shared/limits.js";
import { noSpeeds, type Speeds, sharesOf, speedOf, withPassedOver, withSpeed } from "./speeds.js";

function measured(msPerUnit: Readonly<Record<string, number>>): Speeds {
  return Object.entries(msPerUnit).reduce((speeds, [id, ms]) => withSpeed(speeds, "step", id, ms), noSpeeds);
}

const shares = (msPerUnit: Readonly<Record<string, number>>, units: number, ids = Object.keys(msPerUnit)) => {
  return sharesOf(measured(msPerUnit), "step", ids, units, units);
};

describe("work is divided so that the last unit is done soonest", () => {
  test("equally among workers that are about as fast, or that nothing is known of", () => {
    expect(shares({ a: 100, b: 110, c: 95 }, 12)).toEqual([4, 4, 4]);
    expect(shares({}, 5, ["a", "b"])).toEqual([3, 2]);
    expect(shares({ a: 100 }, 8, ["a", "new"])).toEqual([4, 4]);
  });

  test("in proportion to speed, and nothing to whom all others wait for", () => {
    expect(shares({ fast: 100, slow: 340 }, 16)).toEqual([13, 3]);
    expect(shares({ fast: 100, slow: 1_000 }, 4)).toEqual([4, 0]);
    expect(shares({ slow: 1_000 }, 4)).toEqual([4]);
  });

  test("by kind of work: one that is slow at masks may be fast at gradients", () => {
    const speeds = withSpeed(measured({ a: 100, b: 100 }), "refine", "b", 5_000);
    expect(sharesOf(speeds, "step", ["a", "b"], 8, 8)).toEqual([4, 4]);
  });

  test("never more than fit into one piece", () => {
    expect(sharesOf(measured({ a: 1, b: 900 }), "step", ["a", "b"], 9, 1)).toEqual([1, 1]);
  });

  test("all of it, whatever the speeds; no other division is done much sooner", () => {
    const speed = fc.integer({ min: 1, max: 5_000 });
    fc.assert(
      fc.property(fc.array(speed, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 32 }), (all, units) => {
        const ids = all.map((_, i) => `w${i}`);
        const counts = sharesOf(
          measured(Object.fromEntries(ids.map((id, i) => [id, all[i]!]))),
          "step",
          ids,
          units,
          units,
        );
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(units);
        const takes = Math.max(...counts.map((count, i) => count * all[i]!));
        const ideal = units / all.reduce((sum, ms) => sum + 1 / ms, 0);
        // Rounding of speeds costs a square root of 1.5 at most on either side, whole units one more.
        expect(takes).toBeLessThanOrEqual(1.5 * (ideal + Math.max(...all.filter((_, i) => counts[i]! > 0))));
      }),
    );
  });
});

describe("a speed", () => {
  test("is that of the fastest of the latest pieces", () => {
    let speeds = measured({ a: 50 });
    for (let piece = 0; piece < speedSamplesMax - 1; piece++) speeds = withSpeed(speeds, "step", "a", 400 + piece);
    expect(speedOf(speeds, "step", "a")).toBe(50);
    expect(speedOf(withSpeed(speeds, "step", "a", 500), "step", "a")).toBe(400);
    expect(speedOf(speeds, "step", "b")).toBeNull();
  });

  test("of who is always left out is forgotten: it is measured anew", () => {
    let speeds = measured({ fast: 100, slow: 10_000 });
    for (let step = 0; step < passedOverMax; step++) {
      expect(sharesOf(speeds, "step", ["fast", "slow"], 4, 4)).toEqual([4, 0]);
      speeds = withPassedOver(speeds, "step", ["slow"]);
    }
    expect(sharesOf(speeds, "step", ["fast", "slow"], 4, 4)).toEqual([2, 2]);
  });
});
