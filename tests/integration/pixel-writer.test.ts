/** The thread that writes decoded photos: what becomes of them, of a disk that refuses, and of a worker that ends. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import type { AppError } from "../../shared/errors.js";
import { pixelsPendingBytesMax } from "../../shared/limits.js";
import { BlobCache } from "../../worker/adapters/blob-cache.js";
import { PixelCache } from "../../worker/adapters/pixel-cache.js";
import type { ThreadPixelWriter } from "../../worker/adapters/pixel-writer.js";

const side = 64;
const photoBytes = 3 * side * side;
const fileBytes = 4 * 4096;
const unhurried = Number.MAX_SAFE_INTEGER;
let dir: string;
let troubles: AppError[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-pixels-"));
  troubles = [];
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const digestOf = (photo: number) => sha256(Buffer.from(`${photo}`));
const held = (folder = dir) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.includes("/"));

/** Threads are started from files. */
async function open(folder = dir, files = 1_000_000, bytesPerSecond = unhurried) {
  const path = "../../dist/worker/adapters/pixel-writer.js";
  const { ThreadPixelWriter: Writer } = (await import(path)) as { ThreadPixelWriter: typeof ThreadPixelWriter };
  const nowMs = () => performance.now();
  const options = { dir: folder, bytesMax: files * fileBytes };
  const writer = new Writer(options, (error) => troubles.push(error), nowMs, bytesPerSecond);
  return { writer, cache: new PixelCache(folder, writer, nowMs) };
}

test("what was put is on disk when the writer is closed, to the bit", async () => {
  const { writer, cache } = await open();
  const pixels = Uint8Array.from({ length: photoBytes }, (_, i) => i % 251);
  cache.put(digestOf(1), side, pixels);
  // The writer has its own copy.
  const before = Uint8Array.from(pixels);
  pixels.fill(0);
  await writer.close();
  expect(await cache.get(digestOf(1), side)).toEqual(before);
  expect(troubles).toEqual([]);
});

test("more than may wait is not written, and nobody waits for it", async () => {
  const { writer, cache } = await open();
  const accepted = Math.floor(pixelsPendingBytesMax / photoBytes);
  for (let photo = 0; photo < accepted + 50; photo++) cache.put(digestOf(photo), side, new Uint8Array(photoBytes));
  await writer.close();
  expect(held()).toHaveLength(accepted);
});

test("buffers are used again for photos of another size, and none is mixed up", async () => {
  const { writer, cache } = await open();
  for (const size of [64, 32, 64, 96]) {
    cache.put(digestOf(size), size, new Uint8Array(3 * size * size).fill(size));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await writer.close();
  for (const size of [64, 32, 96]) {
    expect(await cache.get(digestOf(size), size)).toEqual(new Uint8Array(3 * size * size).fill(size));
  }
});

test("a folder that cannot be written to is reported once, with a code, and fails nothing", async () => {
  writeFileSync(join(dir, "pixels"), "a file where the folder should be");
  const { writer, cache } = await open(join(dir, "pixels"));
  expect(await cache.get(digestOf(1), side)).toBeNull();
  for (let photo = 0; photo < 20; photo++) cache.put(digestOf(photo), side, new Uint8Array(photoBytes));
  await writer.close();
  expect(troubles.map(({ code }) => code)).toEqual(["CACHE_UNWRITABLE"]);
  expect(troubles[0]!.message).toMatch(/decoded photos are not kept on disk: .*(EEXIST|ENOTDIR)/);
});

test("two workers that share a folder keep within its bound, and read what the other has written", async () => {
  const files = 64;
  const [one, two] = [await open(dir, files), await open(dir, files)];
  for (let photo = 0; photo < 200; photo++) {
    (photo % 2 === 0 ? one : two).cache.put(digestOf(photo), side, new Uint8Array(photoBytes).fill(photo));
  }
  await Promise.all([one.writer.close(), two.writer.close()]);
  // Each may have counted when there was room for one more.
  expect(held().length).toBeLessThanOrEqual(files + 1);
  expect(held().length).toBeGreaterThan(files / 2);
  const read = await Promise.all([...Array(200).keys()].map((photo) => two.cache.get(digestOf(photo), side)));
  const found = read.flatMap((pixels, photo) => (pixels ? [{ pixels, photo }] : []));
  expect(found).toHaveLength(held().length);
  for (const { pixels, photo } of found) expect(pixels).toEqual(new Uint8Array(photoBytes).fill(photo));
});

test("a bound that was lowered holds from the first look on", async () => {
  const before = await open();
  for (let photo = 0; photo < 30; photo++) before.cache.put(digestOf(photo), side, new Uint8Array(photoBytes));
  await before.writer.close();
  expect(held()).toHaveLength(30);
  const after = await open(dir, 10);
  await after.cache.get(digestOf(0), side);
  await after.writer.close();
  expect(held()).toHaveLength(10);
});

test("files are no more open to others than those of the blob cache", async () => {
  const { writer, cache } = await open(join(dir, "pixels"));
  cache.put(digestOf(1), side, new Uint8Array(photoBytes));
  await writer.close();
  mkdirSync(join(dir, "blobs"));
  await new BlobCache(join(dir, "blobs")).put(
    digestOf(1),
    readFileSync(join(dir, "pixels", held(join(dir, "pixels"))[0]!)),
  );
  const modes = ["pixels", "blobs"].map((name) => {
    const folder = join(dir, name);
    const file = held(folder)[0]!;
    return [statSync(join(folder, file)).mode, statSync(join(folder, file, "..")).mode];
  });
  expect(modes[0]).toEqual(modes[1]);
});
