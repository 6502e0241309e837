import { describe, expect, test } from "vitest";
import { planRun } from "./core/plan.js";
import { Throughput } from "./throughput.js";

const plan = planRun({
  classifier: { steps: 10, leafCount: 2 },
  segmenter: { steps: 10, leafCount: 2 },
  rounds: 2,
  trainShards: 4,
  valShards: 0,
});

describe("images per second", () => {
  test("count the time of the work itself, per worker and in all", () => {
    const throughput = new Throughput();
    throughput.add("w1", { atMs: 1_000, images: 8, computeMs: 750, waitMs: 250 });
    throughput.add("w2", { atMs: 1_000, images: 4, computeMs: 1_000, waitMs: 0 });
    expect(throughput.of("w1", 1_000)).toEqual({ imagesPerSecond: 8, waitShare: 0.25 });
    expect(throughput.total(1_000)).toBe(12);
  });

  test("forget what is long past, and are 0 for a stranger", () => {
    const throughput = new Throughput();
    throughput.add("w1", { atMs: 0, images: 8, computeMs: 1_000, waitMs: 0 });
    expect(throughput.of("w1", 60_000).imagesPerSecond).toBe(0);
    expect(throughput.of("w7", 0)).toEqual({ imagesPerSecond: 0, waitShare: 0 });
  });

  test("of a long run need no more memory than of a short one", () => {
    const throughput = new Throughput();
    for (let i = 0; i < 1_000; i++) throughput.add("w1", { atMs: i * 1_000, images: 2, computeMs: 1_000, waitMs: 0 });
    expect(throughput.of("w1", 999_000).imagesPerSecond).toBeCloseTo(2, 5);
  });
});

describe("the time that is left", () => {
  test("is unknown before anything is done", () => {
    const throughput = new Throughput();
    expect(throughput.etaSeconds(plan, 0, 0.5, 0)).toBeNull();
    throughput.enter(plan[0]!, 0);
    expect(throughput.etaSeconds(plan, 0, 0, 5_000)).toBeNull();
  });

  test("is the rest of this phase and what like phases took before", () => {
    const throughput = new Throughput();
    throughput.enter(plan[2]!, 0);
    throughput.enter(plan[3]!, 100_000);
    throughput.enter(plan[4]!, 110_000);
    // Half of round 2's training is done after 40 s: 40 s more, then refining as in round 1.
    expect(throughput.etaSeconds(plan, 4, 0.5, 150_000)).toBe(50);
    throughput.enter(plan[4]!, 150_000);
    expect(throughput.etaSeconds(plan, 4, 0.5, 150_000)).toBe(50);
  });
});
