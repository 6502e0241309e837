import { createHash } from "node:crypto";
import fc from "fast-check";
import { encode } from "fast-png";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { AppError } from "../errors.js";
import { looksBlackAndWhite, readMaskPng, vocPalette, writeMaskPng } from "./mask-png.js";

const labels = Uint8Array.from([0, 1, 2, 255, 20, 254]);

function problemOf(bytes: Uint8Array): string {
  try {
    readMaskPng(bytes);
  } catch (error) {
    expect((error as AppError).code).toBe("MASK_INVALID");
    return (error as AppError).message;
  }
  return "none";
}

test("any label map survives writing and reading", () => {
  const maps = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })).chain(([width, height]) =>
    fc.record({
      width: fc.constant(width),
      height: fc.constant(height),
      labels: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
    }),
  );
  fc.assert(
    fc.property(maps, (map) => {
      expect(readMaskPng(writeMaskPng(map.width, map.height, map.labels))).toEqual(map);
    }),
    { numRuns: 50 },
  );
});

test("the same labels give the same bytes, for ever", () => {
  const digest = createHash("sha256")
    .update(writeMaskPng(3, 2, labels))
    .digest("hex");
  expect(digest).toMatchInlineSnapshot(`"6112185ce2b9940282d4a6230e7790d2fa57c227506797df16ae96c29b2a2222"`);
});

test("an image viewer sees the PASCAL VOC colours", async () => {
  const { data, info } = await sharp(writeMaskPng(3, 2, labels))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 3, height: 2, channels: 3 });
  expect([...data]).toEqual([
    0,
    0,
    0,
    128,
    0,
    0,
    0,
    128,
    0,
    224,
    224,
    192,
    0,
    64,
    128,
    ...vocPalette().slice(762, 765),
  ]);
});

test.each([1, 2, 4] as const)("reads %i-bit palette masks", (depth) => {
  const perByte = 8 / depth;
  const ids = Array.from({ length: 10 }, (_, x) => x % 2 ** depth);
  const row = new Uint8Array(Math.ceil(10 / perByte));
  for (const [x, id] of ids.entries()) row[Math.floor(x / perByte)]! |= id << (8 - depth - (x % perByte) * depth);
  const palette = Array.from({ length: 2 ** depth }, (_, id) => [id, id, id]);
  const png = encode({ width: 10, height: 1, data: row, depth, channels: 1, palette });
  expect([...readMaskPng(png).labels]).toEqual(ids);
});

test("reads grey masks, and indexed ones written by another library", async () => {
  const grey = sharp(Buffer.from(labels), { raw: { width: 3, height: 2, channels: 1 } });
  expect(readMaskPng(await grey.clone().png({ palette: false }).toColourspace("b-w").toBuffer()).labels).toEqual(
    labels,
  );
});

test("says what it found instead of class ids", async () => {
  const create = { width: 4, height: 4, background: "#123456" } as const;
  const rgb = await sharp({ create: { ...create, channels: 3 } })
    .png()
    .toBuffer();
  expect(problemOf(rgb)).toBe("the mask's samples are not class ids: 4x4, 8 bits per sample, RGB");
  const rgba = await sharp({ create: { ...create, channels: 4 } })
    .png()
    .toBuffer();
  expect(problemOf(rgba)).toContain("RGB with alpha");
  const deep = encode({ width: 1, height: 1, data: Uint16Array.from([7]), depth: 16, channels: 1 });
  expect(problemOf(deep)).toContain("16 bits per sample, grey");
  const jpeg = await sharp(rgb).jpeg().toBuffer();
  expect(problemOf(jpeg)).toContain("not a PNG");
});

test("a damaged or absurd file is an error, not a wrong mask", () => {
  const whole = writeMaskPng(3, 2, labels);
  for (let length = 0; length < whole.length; length += 7) {
    expect(problemOf(whole.subarray(0, length))).toMatch(/not a PNG|damaged/);
  }
  const flipped = Buffer.from(whole);
  flipped[whole.length - 20]! ^= 1;
  expect(problemOf(flipped)).toContain("damaged");
  const huge = Buffer.from(whole);
  huge.writeUInt32BE(2 ** 31, 16);
  expect(problemOf(huge)).toContain("out of range");
});

test("black-and-white masks are recognised", () => {
  expect(looksBlackAndWhite(Uint8Array.from([0, 255, 0]))).toBe(true);
  expect(looksBlackAndWhite(Uint8Array.from([0, 255, 1]))).toBe(false);
  expect(looksBlackAndWhite(Uint8Array.from([0, 0]))).toBe(false);
});
