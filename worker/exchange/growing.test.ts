import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { encode } from "../../shared/math/wire.js";
import { layOut, markPart, progressFor } from "../compute/sum-progress.js";
import { Growing, lookMsOf } from "./growing.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const lookMs = 20;

/** Of 64 numbers in two parts and the last. */
function growing() {
  const values = new Float32Array(64);
  const progress = progressFor(3);
  const opened = vi.fn();
  return { sum: new Growing(values, encode("f32", values, 62), progress, opened, lookMs), progress, opened };
}

function outcome(ready: Promise<void>): { is: string } {
  const seen = { is: "waiting" };
  ready.then(
    () => {
      seen.is = "there";
    },
    () => {
      seen.is = "gone";
    },
  );
  return seen;
}

const pass = (ms = lookMs) => vi.advanceTimersByTimeAsync(ms);

test("it is open to others once somebody says what parts it has, and what they ask for comes when it is marked", async () => {
  const { sum, progress, opened } = growing();
  await pass();
  expect([opened.mock.calls.length, sum.isOpen]).toEqual([0, false]);
  layOut(progress, [16, 48, 64]);
  await pass();
  expect([opened.mock.calls.length, sum.isOpen]).toEqual([1, true]);
  const [first, second, all] = [sum.ready(0, 16), sum.ready(16, 48), sum.ready(0, 0)].map(outcome);
  markPart(progress, 1);
  await pass();
  expect([first!.is, second!.is, all!.is]).toEqual(["waiting", "there", "waiting"]);
  markPart(progress, 0);
  await pass();
  expect([first!.is, all!.is]).toEqual(["there", "waiting"]);
  sum.whole();
  await pass(0);
  expect(all!.is).toBe("there");
  expect(vi.getTimerCount()).toBe(0);
});

test("when it is given up, nothing of it is ready any more, whatever is marked", async () => {
  const { sum, progress } = growing();
  layOut(progress, [16, 48, 64]);
  markPart(progress, 0);
  const waiting = outcome(sum.ready(16, 48));
  sum.gone();
  const marked = outcome(sum.ready(0, 16));
  await pass(0);
  expect([waiting.is, marked.is]).toEqual(["gone", "gone"]);
  sum.whole();
  expect(vi.getTimerCount()).toBe(0);
});

test("whoever computes for long is looked at less often", () => {
  expect([0, 140, 2_000, 60_000].map(lookMsOf)).toEqual([5, 5, 50, 100]);
});
