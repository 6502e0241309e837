import { expect, test } from "vitest";
import { alignedGroups } from "./flat-sum.js";

test("pieces are grouped so that each group begins at a multiple of 16 numbers; the last ends where they end", () => {
  expect(alignedGroups([32, 3, 13, 16, 5, 1, 1])).toEqual([
    { first: 0, end: 1, from: 0, to: 32 },
    { first: 1, end: 3, from: 32, to: 48 },
    { first: 3, end: 4, from: 48, to: 64 },
    { first: 4, end: 7, from: 64, to: 71 },
  ]);
});

test("pieces without numbers begin no group", () => {
  expect(alignedGroups([0, 16, 0, 2])).toEqual([
    { first: 0, end: 2, from: 0, to: 16 },
    { first: 2, end: 4, from: 16, to: 18 },
  ]);
});
