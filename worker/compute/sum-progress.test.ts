import { expect, test } from "vitest";
import { isLaidOut, isWritten, layOut, markPart, progressFor, resetProgress } from "./sum-progress.js";

/** Of a sum of 10, 20, 30 and 4 numbers. */
function laidOut() {
  const progress = progressFor(4);
  expect(isLaidOut(progress)).toBe(false);
  expect(layOut(progress, [10, 30, 60, 64])).toBe(true);
  return progress;
}

test("numbers are written when every part is that has one of them", () => {
  const progress = laidOut();
  expect(isLaidOut(progress)).toBe(true);
  markPart(progress, 2);
  expect([isWritten(progress, 30, 60), isWritten(progress, 29, 60), isWritten(progress, 30, 61)]).toEqual([
    true,
    false,
    false,
  ]);
  markPart(progress, 1);
  expect([isWritten(progress, 10, 60), isWritten(progress, 9, 11)]).toEqual([true, false]);
});

test("a mark may be a NaN, but not a zero", () => {
  const progress = laidOut();
  progress.marks[0] = Number.NaN;
  expect(isWritten(progress, 0, 10)).toBe(true);
  progress.marks[0] = 0;
  expect(isWritten(progress, 0, 10)).toBe(false);
});

test("of nothing that was not said anything is written, nor after it begins anew", () => {
  const progress = laidOut();
  for (const part of [0, 1, 2]) markPart(progress, part);
  expect(isWritten(progress, 0, 65), "beyond its end").toBe(false);
  resetProgress(progress);
  expect([isLaidOut(progress), isWritten(progress, 0, 10)]).toEqual([false, false]);
  layOut(progress, [10, 30, 60, 64]);
  expect(isWritten(progress, 0, 10)).toBe(false);
});

test("more parts than there is room for are not said", () => {
  const progress = progressFor(2);
  expect(layOut(progress, [1, 2, 3])).toBe(false);
  expect(isLaidOut(progress)).toBe(false);
});
