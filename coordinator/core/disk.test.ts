import { expect, test } from "vitest";
import { diskFreeBytesMin, diskResumeFactor } from "../../shared/limits.js";
import { diskHold } from "./disk.js";

const large = 1e12;

test("work pauses before the disk is full and goes on only when there is clearly more room", () => {
  expect(diskHold({ freeBytes: diskFreeBytesMin, totalBytes: large }, false)).toBeNull();
  expect(diskHold({ freeBytes: diskFreeBytesMin - 1, totalBytes: large }, false)).toMatch(/^waiting for disk space/);
  expect(diskHold({ freeBytes: diskFreeBytesMin + 1, totalBytes: large }, true)).toMatch(/^waiting for disk space/);
  expect(diskHold({ freeBytes: diskFreeBytesMin * diskResumeFactor, totalBytes: large }, true)).toBeNull();
});

test("a small disk is not asked for more than a part of itself", () => {
  expect(diskHold({ freeBytes: 10e6, totalBytes: 64e6 }, false)).toBeNull();
});
