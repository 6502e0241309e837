import fc from "fast-check";
import { expect, test } from "vitest";
import { runsOf } from "./runs.js";

const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);

test("runs are the items in order, each but the last with enough bytes, and none without its last item", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.integer({ min: 1, max: 40 }), (sizes, bytesMin) => {
      const runs = runsOf(sizes, (size) => size, bytesMin);
      expect(runs.flat()).toEqual(sizes);
      for (const run of runs.slice(0, -1)) expect(total(run)).toBeGreaterThanOrEqual(bytesMin);
      for (const run of runs) expect(total(run.slice(0, -1))).toBeLessThan(bytesMin);
    }),
  );
});
