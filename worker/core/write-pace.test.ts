import { expect, test } from "vitest";
import { WritePace } from "./write-pace.js";

/** Of pieces that are asked for every `everyMs` in ten seconds, after the first burst. */
function taken(bytes: number, everyMs: number): number {
  const pace = new WritePace(1000, 500);
  while (pace.take(bytes, 0));
  let count = 0;
  for (let nowMs = everyMs; nowMs <= 10_000; nowMs += everyMs) if (pace.take(bytes, nowMs)) count++;
  return count;
}

test("who asks more often than the pace allows gets the pace", () => {
  expect(taken(100, 1)).toBe(100);
  expect(taken(100, 7)).toBeGreaterThanOrEqual(98);
});

test("who asks less often gets all", () => {
  expect(taken(100, 200)).toBe(50);
});

test("a pause saves up a burst and no more", () => {
  const pace = new WritePace(1000, 500);
  const burst = (nowMs: number) => {
    let count = 0;
    while (pace.take(100, nowMs)) count++;
    return count;
  };
  expect([burst(0), burst(200), burst(3_600_000)]).toEqual([5, 2, 5]);
});

test("what is larger than a burst is written in its turn", () => {
  expect(taken(1500, 10)).toBe(6);
});
