import { expect, test } from "vitest";
import { CostModel, type Point } from "./model.js";

/** A made-up cluster: an exchange costs this much, and the clock 2 ms a second of the coordinator for each worker, 4 of the worker. */
function point(mode: "star" | "sharded", workers: number, megabytes: number, seconds: number): Point {
  const coordinator = mode === "star" ? 5 + 3 * workers + 2 * workers * megabytes : 10 + 8 * workers;
  const worker = mode === "star" ? 6 + 4 * megabytes : 9 * megabytes;
  return {
    ...{ mode, workers, megabytes, computeMs: 1_000 * seconds, wallMs: 1_000 * seconds, busyBefore: 0, load: 0 },
    coordinatorCpuMs: coordinator + 2 * workers * seconds,
    workersCpuMs: workers * (worker + 4 * seconds),
  };
}

const points = (["star", "sharded"] as const).flatMap((mode) => {
  const sizes = [1, 2, 4, 16].map((workers) => [workers, 14] as const);
  return [...sizes, [16, 1] as const, [1, 1] as const].flatMap(([workers, megabytes]) => {
    return [2, 10].map((seconds) => point(mode, workers, megabytes, seconds));
  });
});
const local: Point = { ...point("star", 4, 14, 1), mode: "local", workersCpuMs: 4 * (7 * 14 + 4) };
/** Deciding costs nearly nothing. */
const core = (["star", "sharded", "local"] as const).flatMap((mode) => {
  return [16, 64].map((workers) => ({ mode, workers, cpuMs: 1e-9 * workers, commandBytes: 0 }));
});
const model = new CostModel({ machine: "", points: [...points, local], core });

test("what an exchange costs is told from what the clock costs", () => {
  const link = { megabytesPerSecond: Number.POSITIVE_INFINITY, roundTripMs: 0 };
  const exchangeMs = (mode: "star" | "sharded" | "local", workers: number) => {
    return model.stepMs(mode, { workers, megabytes: 14 }, 1_000, link) - 1_000;
  };
  expect(exchangeMs("star", 64)).toBeCloseTo(5 + 3 * 64 + 2 * 64 * 14 + 6 + 4 * 14, 3);
  expect(exchangeMs("sharded", 64)).toBeCloseTo(10 + 8 * 64 + 9 * 14, 3);
  expect(exchangeMs("local", 64)).toBeCloseTo((5 + 3 * 64 + 2 * 64 * 14) / 16 + 7 * 14, 3);
});

test("a local step has a sixteenth of a round's exchange, and all of the clock's cost", () => {
  const size = { workers: 4, megabytes: 14, seconds: 1 };
  expect(model.coordinatorMs("local", size)).toBeCloseTo((5 + 12 + 112) / 16 + 8, 3);
  expect(model.workerMs("local", size)).toBeCloseTo(7 * 14 + 4, 3);
});
