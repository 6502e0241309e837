import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import { pixelsFreeBytesMin, pixelsInUseMs, pixelsRetryMs } from "../../shared/limits.js";
import { pixelName, pixelPath, readPixels } from "./pixel-file.js";
import { PixelFolder } from "./pixel-folder.js";

const side = 32;
const tag = "0123456789ab";
/** A file of such a photo takes one block. */
const fileBytes = 4096;
let dir: string;
let nowMs: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-pixels-"));
  nowMs = Date.now();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const folder = (files: number) => new PixelFolder({ dir, bytesMax: files * fileBytes }, () => nowMs);
const nameOf = (photo: number) => pixelName(sha256(Buffer.from([photo])), side, tag);
const pixelsOf = (photo: number) => new Uint8Array(3 * side * side).fill(photo);
const held = () => readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((path) => path.includes("/"));
const isHeld = (photo: number) => held().some((path) => path.endsWith(nameOf(photo)));

/** Last used so many hours ago. */
function age(photo: number, hours: number): void {
  const at = new Date(nowMs - hours * pixelsInUseMs);
  utimesSync(pixelPath(dir, nameOf(photo)), at, at);
}

test("pixels come back as they were written, in shared memory", async () => {
  expect(folder(8).write(nameOf(1), pixelsOf(1))).toBe(true);
  const read = (await readPixels(pixelPath(dir, nameOf(1)), nameOf(1), side)) as Uint8Array;
  expect(read).toEqual(pixelsOf(1));
  expect(read.buffer).toBeInstanceOf(SharedArrayBuffer);
});

test("only whole files have a name that is read: nothing else is left by a write", () => {
  folder(8).write(nameOf(1), pixelsOf(1));
  expect(held()).toEqual([join(nameOf(1).slice(0, 2), nameOf(1))]);
});

test.for<[string, (whole: Buffer) => Buffer]>([
  ["cut short", (whole) => whole.subarray(0, 1000)],
  ["empty", () => Buffer.alloc(0)],
  ["without its checksum", (whole) => whole.subarray(0, -4)],
  ["longer than it should be", (whole) => Buffer.concat([whole, Buffer.from([0])])],
  ["all zero, as after a power cut", (whole) => Buffer.alloc(whole.length)],
  ["of one wrong bit", (whole) => Buffer.from(whole.map((byte, i) => (i === 1500 ? byte ^ 4 : byte)))],
  ["something else", () => Buffer.from("<html>502 Bad Gateway</html>")],
])("a file that is %s is damaged", async ([, damage]) => {
  folder(8).write(nameOf(1), pixelsOf(1));
  const path = pixelPath(dir, nameOf(1));
  writeFileSync(path, damage(readFileSync(path)));
  expect(await readPixels(path, nameOf(1), side)).toBe("damaged");
});

test("a whole file under another photo's name is damaged", async () => {
  folder(8).write(nameOf(1), pixelsOf(1));
  const path = pixelPath(dir, nameOf(2));
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, readFileSync(pixelPath(dir, nameOf(1))));
  expect(await readPixels(path, nameOf(2), side)).toBe("damaged");
});

test("a folder in a file's place is damaged, not an error", async () => {
  mkdirSync(pixelPath(dir, nameOf(1)), { recursive: true });
  expect(await readPixels(pixelPath(dir, nameOf(1)), nameOf(1), side)).toBe("damaged");
});

test("another size and another decoder have other names", () => {
  const digest = sha256(Buffer.from([1]));
  const names = [pixelName(digest, 32, tag), pixelName(digest, 64, tag), pixelName(digest, 32, "000000000000")];
  expect(new Set(names).size).toBe(3);
});

test("the folder never holds more than it may, and what was used last stays", () => {
  const written = folder(8);
  for (let photo = 0; photo < 40; photo++) {
    nowMs += 2 * pixelsInUseMs;
    expect(written.write(nameOf(photo), pixelsOf(photo))).toBe(true);
    age(photo, 0);
    if (isHeld(0)) age(0, 0);
    expect(held().length).toBeLessThanOrEqual(8);
  }
  expect(isHeld(0)).toBe(true);
  expect(isHeld(39)).toBe(true);
  expect(isHeld(20)).toBe(false);
});

test("what is in use is not pushed out by what does not fit, which is asked for again after a while", () => {
  const written = folder(4);
  for (let photo = 0; photo < 6; photo++) expect(written.write(nameOf(photo), pixelsOf(photo))).toBe(photo < 4);
  age(1, 2);
  expect(written.write(nameOf(6), pixelsOf(6))).toBe(false);
  nowMs += pixelsRetryMs;
  age(1, 2);
  expect(written.write(nameOf(6), pixelsOf(6))).toBe(true);
  expect(isHeld(1)).toBe(false);
});

test("a touch is a use", () => {
  const written = folder(4);
  for (let photo = 0; photo < 4; photo++) written.write(nameOf(photo), pixelsOf(photo));
  for (let photo = 0; photo < 4; photo++) age(photo, 5 - photo);
  written.touch(nameOf(0));
  nowMs += pixelsRetryMs;
  written.write(nameOf(4), pixelsOf(4));
  expect([isHeld(0), isHeld(1)]).toEqual([true, false]);
});

test("a bound that was lowered holds at once, in use or not", () => {
  const before = folder(8);
  for (let photo = 0; photo < 8; photo++) before.write(nameOf(photo), pixelsOf(photo));
  folder(3).makeRoom(0);
  expect(held()).toHaveLength(3);
});

test("three writers of one folder, each with its own idea of it, stay within the bound", () => {
  const writers = [folder(64), folder(64), folder(64)];
  for (let photo = 0; photo < 240; photo++) {
    nowMs += pixelsInUseMs;
    writers[photo % 3]!.write(nameOf(photo), pixelsOf(photo));
    if (isHeld(photo)) age(photo, 0);
    // Each may have counted when there was room for one more.
    expect(held().length).toBeLessThanOrEqual(64 + 2);
  }
  expect(held().length).toBeGreaterThan(48);
});

test("a draft that a killed worker left is counted, and evicted when it is old; what is not ours is neither", () => {
  const draft = `${pixelPath(dir, nameOf(1))}.01234567-89ab-cdef-0123-456789abcdef`;
  mkdirSync(join(draft, ".."), { recursive: true });
  writeFileSync(draft, "half");
  const old = new Date(nowMs - 2 * pixelsInUseMs);
  utimesSync(draft, old, old);
  writeFileSync(join(draft, "../notes.txt"), "keep me");
  writeFileSync(join(dir, "notes.txt"), "keep me too");
  expect(folder(1).write(nameOf(2), pixelsOf(2))).toBe(true);
  expect(
    held()
      .map((path) => path.slice(3))
      .sort(),
  ).toEqual([nameOf(2), "notes.txt"].sort());
});

test("a folder that cannot be made throws once, and is left alone for a while", () => {
  writeFileSync(join(dir, "file"), "");
  const written = new PixelFolder({ dir: join(dir, "file/pixels"), bytesMax: 1e6 }, () => nowMs);
  expect(() => written.write(nameOf(1), pixelsOf(1))).toThrow(/ENOTDIR/);
  expect(written.write(nameOf(1), pixelsOf(1))).toBe(false);
  nowMs += pixelsRetryMs;
  expect(() => written.write(nameOf(1), pixelsOf(1))).toThrow(/ENOTDIR/);
});

test("a disk that is nearly full gets nothing more, and some of it back; that is said, and asked again after a while", () => {
  let freeBytes = 2 ** 40;
  const disk = () => ({ freeBytes, totalBytes: 2 ** 41 });
  const before = new PixelFolder({ dir, bytesMax: 8 * fileBytes }, () => nowMs, disk);
  for (let photo = 0; photo < 6; photo++) before.write(nameOf(photo), pixelsOf(photo));
  freeBytes = pixelsFreeBytesMin - 2 * fileBytes;
  const written = new PixelFolder({ dir, bytesMax: 8 * fileBytes }, () => nowMs, disk);
  expect(() => written.write(nameOf(6), pixelsOf(6))).toThrow(/too little is free/);
  expect(held()).toHaveLength(4);
  expect(written.write(nameOf(6), pixelsOf(6))).toBe(false);
  freeBytes = 2 ** 40;
  nowMs += pixelsRetryMs;
  expect(written.write(nameOf(6), pixelsOf(6))).toBe(true);
});
