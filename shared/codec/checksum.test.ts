import { describe, expect, test } from "vitest";
import { byChecksum, bySha256, isChecksum, nameOf, namingOf } from "./checksum.js";
import { sha256 } from "./digest.js";

const bytes = Uint8Array.from({ length: 1001 }, (_, i) => (i * 37) % 251);

describe.each([
  ["a checksum", byChecksum, true],
  ["SHA-256", bySha256, false],
] as const)("%s", (_, newNaming, isSum) => {
  test("names bytes as they come, in whatever pieces, as all of them at once", () => {
    const name = nameOf(bytes, newNaming);
    expect(isChecksum(name)).toBe(isSum);
    for (const piece of [1, 7, 64, 1000]) {
      const naming = namingOf(name);
      for (let at = 0; at < bytes.length; at += piece) naming.update(bytes.subarray(at, at + piece));
      expect(naming.digest("hex")).toBe(name);
    }
  });

  test("tells other bytes, and other lengths of what ends in zeros", () => {
    const others = [0, 500, 1000].map((at) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)));
    const longer = new Uint8Array(1003);
    longer.set(bytes);
    const all = [bytes, ...others, longer, longer.subarray(0, 1002), bytes.subarray(0, 1000), new Uint8Array(0)];
    expect(new Set(all.map((each) => nameOf(each, newNaming))).size).toBe(all.length);
  });
});

test("of SHA-256 it is what blobs are called by", () => {
  expect(nameOf(bytes, bySha256)).toBe(sha256(bytes));
});
