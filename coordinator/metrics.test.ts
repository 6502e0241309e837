import { expect, test } from "vitest";
import { countImage, emptyCounts } from "../shared/math/scores.js";
import { driftRule, meanChange, mergedScores, stopRule } from "./metrics.js";

function counts(truth: number[], predicted: number[]) {
  const result = emptyCounts(1);
  countImage(result, Uint8Array.from(truth), Uint8Array.from(predicted), truth.length, 1);
  return result;
}

test("scores are those of all shards together, not the mean of the shards' scores", () => {
  const shards = [{ labels: counts([1, 1, 1, 1], [1, 1, 1, 1]) }, { labels: counts([1, 0], [0, 0]) }];
  const scores = mergedScores(shards, "labels", ["horse"])!;
  expect(scores.images).toBe(2);
  expect(scores.iou).toEqual({ horse: 4 / 5 });
});

test("contours are those of all shards together as well", () => {
  const shard = (predicted: number[]) => {
    const free = emptyCounts(1, { contours: true });
    countImage(free, Uint8Array.of(0, 0, 1, 1, 1, 1, 1, 1), Uint8Array.from(predicted), 8, 1);
    return { free };
  };
  const shards = [shard([0, 0, 1, 1, 1, 1, 1, 1]), shard([0, 0, 0, 0, 0, 0, 0, 0])];
  const { contours, boundaryIou } = mergedScores(shards, "free", ["horse"])!;
  // Contour pixels: truth 2, of which one is found; predicted 1, and right. Not the mean of 1 and 0.
  expect(contours!.boundaryF).toBeCloseTo(2 / 3);
  expect(contours!.trimap[0]).toEqual({ width: 1, miou: 1 / 2 });
  expect(boundaryIou).toBe(1 / 2);
});

test("without anything to count there are no scores", () => {
  expect(mergedScores([], "labels", ["horse"])).toBeNull();
  expect(mergedScores([{ changedSum: 1 }], "labels", ["horse"])).toBeNull();
  expect(mergedScores([{ free: emptyCounts(1) }], "free", ["horse"])).toBeNull();
});

test("the changed share is a mean over images, whatever the shards' sizes", () => {
  expect(meanChange([{ changedSum: 3 }, { changedSum: 0 }], 12)).toBe(0.25);
  expect(meanChange([{}], 12)).toBeNull();
  expect(meanChange([{ changedSum: 0 }], 0)).toBeNull();
});

test("the rounds end when labels agree, unless the rule is off or nothing was measured", () => {
  expect(stopRule(0.004, 0.005)).toBe("labels agree: 0.40 % of pixels changed, below rounds.changedShareMin 0.50 %");
  expect(stopRule(0.005, 0.005)).toBeNull();
  expect(stopRule(0, 0)).toBeNull();
  expect(stopRule(null, 0.5)).toBeNull();
});

test("a mining round that changes nearly as much as the one before does not converge", () => {
  expect(driftRule(0.049, 0.1, 0.33)).toBe(
    "it does not converge: 4.90 % of pixels would change after 10.00 % in the round before (rounds.driftShareMax 0.33)",
  );
  expect(driftRule(0.033, 0.1, 0.33)).toBeNull();
  expect(driftRule(0.5, 0.1, 1)).toBeNull();
  expect(driftRule(null, 0.1, 0.33)).toBeNull();
  expect(driftRule(0.5, null, 0.33)).toBeNull();
  expect(driftRule(0.001, 0, 0.33)).not.toBeNull();
});
