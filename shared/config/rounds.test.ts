import { expect, test } from "vitest";
import { type MethodOverrides, methodConfigSchema } from "./method.js";
import { methodOfRound, minedRounds } from "./rounds.js";

const methodOf = (overrides: MethodOverrides) => methodConfigSchema.parse(overrides);

test.each([
  [{ rounds: 6, mining: { rounds: 2 } }, 2],
  [{ rounds: 2, mining: { rounds: 5 } }, 1],
  [{ rounds: 1, mining: { rounds: 2 } }, 0],
  [{ rounds: 3, mining: { rounds: 0 } }, 0],
])("%o: %i rounds mine, for the last one never does", (overrides, mined) => {
  expect(minedRounds(methodOf(overrides))).toBe(mined);
});

test("a round that mines trains one convolution on larger images, and refines with it", () => {
  const method = methodOf({ imageSize: 128, mining: { cropSize: 256, steps: 7, stride: 8, pamrIterations: 4 } });
  const mining = methodOfRound(method, 1);
  expect(mining.segmenter).toMatchObject({ network: "linear8", steps: 7, cropSize: 256, backboneRate: 0 });
  expect(mining.refine).toMatchObject({ scales: [2], pamrIterations: 4, colourWeight: 0, updater: "feedback" });
  expect(mining.finePamr.iterations).toBe(0);
});

test("before and after them the method is as configured", () => {
  const method = methodOf({ rounds: 6, mining: { rounds: 2 } });
  expect([0, 3, 6].map((round) => methodOfRound(method, round))).toEqual([method, method, method]);
});
