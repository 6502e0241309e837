import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import { decodeSquare } from "../../shared/data/decode.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { pixelsInUseMs } from "../../shared/limits.js";
import { ImageStore } from "../data/image-store.js";
import { decoderTag, PixelCache } from "./pixel-cache.js";
import { pixelName, pixelPath } from "./pixel-file.js";
import { PixelFolder } from "./pixel-folder.js";
import type { PixelWriter } from "./pixel-writer.js";

const side = 32;
let dir: string;
let photos: Uint8Array[];
let nowMs = 0;
let touches: string[] = [];
let decodes = 0;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-pixels-"));
  [touches, decodes] = [[], 0];
  photos = await Promise.all([20, 90, 160].map(noise));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function noise(mean: number): Promise<Uint8Array> {
  const create = {
    width: 60,
    height: 41,
    channels: 3,
    background: "#888",
    noise: { type: "gaussian", mean, sigma: 20 },
  };
  return sharp({ create: create as never })
    .jpeg()
    .toBuffer();
}

/** Writes at once, where the worker has a thread for it. */
function writer(folder: PixelFolder): PixelWriter {
  const touch = (name: string) => void touches.push(name);
  return { start() {}, write: (name, pixels) => void folder.write(name, pixels), touch, close: async () => undefined };
}

/** What a worker that was just started has; it holds one photo in memory. */
function restarted(): ImageStore {
  const images = photos.map((bytes, i) => ({ path: `${i}.jpg`, digest: sha256(bytes) }));
  const manifest = { train: { images, shards: [[0, 1, 2]] }, val: null } as unknown as Manifest;
  const kept = new PixelCache(dir, writer(new PixelFolder({ dir, bytesMax: 1e7 })), () => nowMs);
  const fetch = async ({ path }: { readonly path: string }) => {
    decodes++;
    return photos[Number.parseInt(path, 10)]!;
  };
  return new ImageStore({ manifest, imageSize: side, localDir: null, fetch, kept, memoryBytesMax: 3 * side ** 2 });
}

const all = (store: ImageStore) => Promise.all(photos.map((_, i) => store.pixels("train", i)));
const fresh = () => Promise.all(photos.map((bytes) => decodeSquare(bytes, side)));
const bits = (pixels: readonly Uint8Array[]) => pixels.map((one) => sha256(one));

test("pixels from disk are those of a fresh decode, to the bit, and nothing is decoded twice", async () => {
  const store = restarted();
  expect(bits(await all(store))).toEqual(bits(await fresh()));
  expect(bits(await all(store))).toEqual(bits(await fresh()));
  expect(bits(await all(restarted()))).toEqual(bits(await fresh()));
  expect(decodes).toBe(3);
});

test("a damaged file costs one decode, and is whole again after it", async () => {
  await all(restarted());
  const name = pixelName(sha256(photos[1]!), side, decoderTag);
  const path = pixelPath(dir, name);
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, 2000));
  expect(bits(await all(restarted()))).toEqual(bits(await fresh()));
  expect(decodes).toBe(4);
  expect(readFileSync(path)).toEqual(whole);
});

test("a damaged file is deleted even where nothing can be written", async () => {
  await all(restarted());
  const digest = sha256(photos[0]!);
  const path = pixelPath(dir, pixelName(digest, side, decoderTag));
  writeFileSync(path, "");
  const idle: PixelWriter = { start() {}, write() {}, touch() {}, close: async () => undefined };
  expect(await new PixelCache(dir, idle, () => 0).get(digest, side)).toBeNull();
  expect(() => readFileSync(path)).toThrow(/ENOENT/);
});

test("a photo that cannot be decoded is not kept", async () => {
  photos[1] = Buffer.from("no photo");
  const store = restarted();
  await expect(store.pixels("train", 1)).rejects.toMatchObject({ code: "DATA_BROKEN" });
  await expect(restarted().pixels("train", 1)).rejects.toMatchObject({ code: "DATA_BROKEN" });
});

test("what is read is said to be in use, four times an hour and not at every epoch", async () => {
  await all(restarted());
  const store = restarted();
  await all(store);
  await all(store);
  expect(touches).toHaveLength(3);
  nowMs += pixelsInUseMs / 4;
  await all(store);
  expect(touches).toHaveLength(6);
});
