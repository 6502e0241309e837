import { expect, test } from "vitest";
import { pixelsInUseMs } from "../../shared/limits.js";
import { allowedBytes, filesToEvict, type KeptFile, shareBytes } from "./pixel-room.js";

const mega = 2 ** 20;
const roomy = { freeBytes: 1e12, totalBytes: 2e12 };
const nowMs = 10 * pixelsInUseMs;

/** Files of 10 bytes, named by their age in hours. */
function aged(...hours: number[]): KeptFile[] {
  return hours.map((hour) => ({ path: `${hour}`, bytes: 10, usedMs: nowMs - hour * pixelsInUseMs }));
}

const names = (files: readonly KeptFile[]) => files.map(({ path }) => path);

test("the bound is the user's, but less where it would leave the disk's other users too little", () => {
  expect(allowedBytes(100 * mega, 0, roomy)).toBe(100 * mega);
  const tight = { freeBytes: 1024 * mega + 30, totalBytes: 2e12 };
  expect(allowedBytes(100 * mega, 50, tight)).toBe(80);
  expect(allowedBytes(100 * mega, 50, { ...tight, freeBytes: 0 })).toBe(0);
  const small = { freeBytes: 300 * mega, totalBytes: 1000 * mega };
  expect(allowedBytes(4000 * mega, 0, small)).toBe(200 * mega);
});

test("a process writes a small part of what is left before it counts again, and never more than is left", () => {
  expect(shareBytes(6400, 0)).toBe(200);
  expect(shareBytes(6400, 6000)).toBe(50);
  expect(shareBytes(6400, 6390)).toBe(10);
  expect(shareBytes(6400, 7000)).toBe(0);
});

test("32 processes that count at the same moment stay within the bound until three quarters are full", () => {
  for (const held of [0, 2000, 4800]) expect(held + 32 * shareBytes(6400, held)).toBeLessThanOrEqual(6400);
});

test("what was not used for longest goes first, until an eighth is free", () => {
  expect(names(filesToEvict(aged(2, 5, 3, 4, 0, 0, 0, 0), 80, nowMs))).toEqual(["5"]);
  expect(names(filesToEvict(aged(2, 5, 3, 4), 16, nowMs))).toEqual(["5", "4", "3"]);
});

test("what is in use makes no room for others, but goes where the bound itself is passed", () => {
  expect(filesToEvict(aged(0.1, 0.9, 0.5, 0.3), 40, nowMs)).toEqual([]);
  expect(names(filesToEvict(aged(0.1, 0.9, 0.5, 0.3), 20, nowMs))).toEqual(["0.9", "0.5"]);
});
