import { expect, test } from "vitest";
import { fitCosts } from "./fit.js";

test("finds the factors that costs were made with", () => {
  const rows = [1, 2, 4, 16].flatMap((workers) => [1, 14, 56].map((mb) => [1, workers, workers * mb]));
  const costs = rows.map(([one, workers, bytes]) => 3 * one! + 0.5 * workers! + 2 * bytes!);
  const [a, b, c] = fitCosts(rows, costs);
  expect(a).toBeCloseTo(3, 6);
  expect(b).toBeCloseTo(0.5, 6);
  expect(c).toBeCloseTo(2, 6);
});

test("gives nothing back: a factor that would be negative is none", () => {
  const rows = [1, 2, 3, 4].map((x) => [1, x]);
  const [constant, slope] = fitCosts(rows, [4, 3, 2, 1]);
  expect(slope).toBe(0);
  expect(constant).toBeGreaterThan(0);
});
