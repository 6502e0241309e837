import { expect, test } from "vitest";
import { sharesOf } from "./step-helpers.js";

test("the numbers are shared out from the first to the last, by whole groups, as evenly as that goes", () => {
  const bounds = sharesOf(2_000_001, 3);
  expect(bounds).toEqual([0, 666_672, 1_333_344, 2_000_001]);
});

test("a thread that would have little to do is not asked", () => {
  expect(sharesOf(1_000_000, 4)).toEqual([0, 1_000_000]);
  expect(sharesOf(1_200_000, 4)).toHaveLength(3);
  expect(sharesOf(10, 4)).toEqual([0, 10]);
});
