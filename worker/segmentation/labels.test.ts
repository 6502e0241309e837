import { describe, expect, test } from "vitest";
import { methodConfigSchema } from "../../shared/config/method.js";
import { changedShare, gate, guard, otsuLabels, seedLabels, threeWay } from "./labels.js";
import { otsu, quantile } from "./threshold.js";

const { seeds, refine } = methodConfigSchema.parse({});

describe("three-way seeds", () => {
  test("class at or above the upper threshold, background below the lower one, ignore between", () => {
    const scores = Float32Array.from([0.75, 0.5, 0.4, 0.25, 0.2, 0]);
    expect([...threeWay(scores, [2], 0.5, 0.25)]).toEqual([2, 2, 255, 255, 0, 0]);
  });

  test("the strongest of several tags wins a pixel", () => {
    const scores = Float32Array.from([0.9, 0.6, 0.2, 0.7]);
    expect([...threeWay(scores, [1, 3], 0.5, 0.5)]).toEqual([1, 3]);
  });

  test("fixed thresholds are relative to the 99 % quantile: one hot pixel does not shrink the object", () => {
    const cam = new Float32Array(1000).fill(0.05);
    cam.fill(0.3, 0, 400);
    cam[0] = 1;
    const labels = seedLabels(cam, [1], { ...seeds, rule: "fixed" });
    expect(labels.filter((id) => id === 1)).toHaveLength(400);
  });

  test("a band around Otsu's threshold is ignored", () => {
    const cam = Float32Array.from([...new Array(50).fill(0), 0.45, 0.55, ...new Array(50).fill(1)]);
    expect([...otsuLabels(cam, [1], 0.5).slice(50, 52)]).toEqual([255, 255]);
    expect([...otsuLabels(cam, [1], 0).slice(50, 52)]).toEqual([0, 1]);
  });
});

describe("Otsu's threshold", () => {
  test("lies in the gap between two groups of values", () => {
    const cut = otsu([0.1, 0.12, 0.15, 0.1, 0.8, 0.85]);
    expect(cut).toBeGreaterThan(0.15);
    expect(cut).toBeLessThan(0.8);
  });

  test("equal values have no gap: the middle of the range", () => {
    expect(otsu([0.3, 0.3])).toBe(0.5);
  });

  test("quantile: the smallest value that the share does not exceed", () => {
    expect(quantile(Float32Array.from([4, 1, 3, 2]), 0.5)).toBe(3);
    expect(quantile(Float32Array.from([4, 1, 3, 2]), 1)).toBe(4);
  });
});

describe("the gate", () => {
  test("shares out the mass between background and the image's own tags", () => {
    const [a, b] = gate(Float32Array.from([0.2, 0.3, 0.5, 0.1, 0.1, 0.8]), 3, [1]);
    expect(a).toBeCloseTo(0.6);
    expect(b).toBeCloseTo(0.5);
  });
});

describe("the guards", () => {
  const cam = new Float32Array(10).fill(0);
  const mask = (count: number) => Uint8Array.from({ length: 10 }, (_, i) => (i < count ? 1 : 0));

  test("an object may shrink to half, not below", () => {
    expect(guard({ old: mask(8), fresh: mask(4), cam, tags: [1] }, refine)).toBeNull();
    expect(guard({ old: mask(8), fresh: mask(3), cam, tags: [1] }, refine)).toBe(
      "shrank to 38 % of the old foreground",
    );
  });

  test("an object may not vanish, and may grow", () => {
    expect(guard({ old: mask(0), fresh: mask(0), cam, tags: [1] }, refine)).toBe("no foreground is left");
    expect(guard({ old: mask(1), fresh: mask(9), cam, tags: [1] }, refine)).toBeNull();
  });

  test("an object may not leave the strongest part of its CAM", () => {
    const hot = Float32Array.from({ length: 10 }, (_, i) => (i >= 6 ? 255 : 0));
    expect(guard({ old: mask(8), fresh: mask(7), cam: hot, tags: [1] }, refine)).toBe(
      "covers 25 % of the strongest CAM",
    );
  });

  test("changed pixels are counted", () => {
    expect(changedShare(mask(8), mask(6))).toBeCloseTo(0.2);
  });
});
