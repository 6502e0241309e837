import { expect, test } from "vitest";
import { engineLossWindowMs, engineRestartMs } from "../../shared/limits.js";
import { revivalAfter } from "./revival.js";

const restart = (afterMs: number) => ({ kind: "restart", afterMs });

test("an engine is started again three times, each time after a longer pause, and then no more", () => {
  const decisions = [[0], [0, 5_000], [0, 5_000, 20_000]].map(revivalAfter);
  expect(decisions).toEqual([restart(engineRestartMs), restart(4 * engineRestartMs), restart(16 * engineRestartMs)]);
  const end = { kind: "give-up", reason: "lost 4 times within 10 minutes" };
  expect(revivalAfter([0, 5_000, 20_000, 60_000])).toEqual(end);
});

test("losses of long ago do not count: one a day never ends a worker", () => {
  const daily = Array.from({ length: 100 }, (_, day) => day * 86_400_000);
  expect(revivalAfter(daily)).toEqual(restart(engineRestartMs));
  expect(revivalAfter([0, 1, 2, engineLossWindowMs + 1])).toEqual(restart(4 * engineRestartMs));
});
