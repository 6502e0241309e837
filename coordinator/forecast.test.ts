import { expect, test } from "vitest";
import { methodConfigSchema } from "../shared/config/method.js";
import type { Manifest } from "../shared/data/manifest.js";
import { planRun } from "./core/plan.js";
import { forecast, imagesOf, type Pace, paceOf } from "./forecast.js";

const method = methodConfigSchema.parse({
  imageSize: 64,
  rounds: 1,
  classifier: { steps: 10, microBatches: 4, microBatchSize: 2 },
  segmenter: { steps: 5, microBatches: 2, microBatchSize: 3 },
});
const image = { path: "a", digest: "0".repeat(64), bytes: 1, width: 1, height: 1, tags: [], maskDigest: null };
const split = (count: number) => ({
  root: "/",
  images: Array.from({ length: count }, () => image),
  shards: [[0], [1]],
});
const manifest: Manifest = { version: 1, classes: ["horse"], train: split(40), val: split(7) };
const stage = (steps: number, leafCount: number) => ({ steps, leafCount });
const plan = planRun({
  ...{ classifier: stage(10, 4), segmenter: stage(5, 2), rounds: 1, trainShards: 4, valShards: 1 },
});
const pace: Pace = {
  secondsPerImage: { classify: 1, seed: 2, train: 4, refine: 2, evaluate: 1 },
  workerBytes: null,
  basis: "a test",
};

test("a phase costs its images, shared by no more workers than it has units", () => {
  expect(plan.map((phase) => imagesOf(phase, method, manifest))).toEqual([80, 40, 30, 40, 7]);
  const { phases, seconds } = forecast(plan, method, manifest, 4, pace);
  expect(phases.map((phase) => phase.seconds)).toEqual([20, 20, 60, 20, 7]);
  expect(seconds).toBe(127);
});

test("memory grows with the photos held and the largest micro-batch", () => {
  const of = (photos: number) => forecast(plan, method, { ...manifest, train: split(photos) }, 1, pace).workerBytes;
  expect(of(1_040) - of(40)).toBe(1_000 * 64 * 64 * 3);
  expect(forecast(plan, method, manifest, 1, { ...pace, workerBytes: 7 }).workerBytes).toBe(7);
});

test("an earlier run's pace is worker seconds per image; what it did not do keeps the built-in number", () => {
  const spans = [
    { kind: "train" as const, images: 30, seconds: 10, workers: 2 },
    { kind: "train" as const, images: 10, seconds: 10, workers: 2 },
  ];
  const learnt = paceOf(spans, [3, 9, 4], "run fox", pace);
  expect(learnt).toEqual({ secondsPerImage: { ...pace.secondsPerImage, train: 1 }, workerBytes: 9, basis: "run fox" });
});
