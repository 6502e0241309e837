import { expect, test } from "vitest";
import { relativeDifference } from "./relative-difference.js";

const floats = (...values: number[]) => Float32Array.from(values);

test("is the largest difference over the largest value expected", () => {
  expect(relativeDifference(floats(1, -3), floats(1, -4))).toBe(0.25);
});

test("of zeros that were expected is nothing, of anything else there without limit", () => {
  expect(relativeDifference(floats(0, 0), floats(0, 0))).toBe(0);
  expect(relativeDifference(floats(0, 1), floats(0, 0))).toBe(Number.POSITIVE_INFINITY);
});

test("of what is not a number is without limit, wherever it stands", () => {
  expect(relativeDifference(floats(Number.NaN, 1), floats(1, 1))).toBe(Number.POSITIVE_INFINITY);
  expect(relativeDifference(floats(1, Number.NaN), floats(1, 1))).toBe(Number.POSITIVE_INFINITY);
});
