/**
 * Photos to training crops: read, checked, decoded and resized on libvips' threads, then cropped and lit by another thread, a batch
 * behind. In a first epoch they come from files, and are kept decoded on disk as well; later ones find them decoded in memory, or
 * on disk, where memory holds none ("disk"). A run is ten epochs, the first of them such a one.
 */
import { on, once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import { sha256 } from "../../shared/codec/digest.js";
import { PixelCache } from "../../worker/adapters/pixel-cache.js";
import { ThreadPixelWriter } from "../../worker/adapters/pixel-writer.js";
import { ImageStore, type KeptPixels } from "../../worker/data/image-store.js";
import { answer, givenWork } from "../lib/answer.js";
import type { CropWork } from "./crop-thread.js";

interface InputWork {
  readonly photos: string;
  readonly size: number;
  readonly batch: number;
  readonly epoch: "first" | "later" | "disk" | "run";
}

/** Fewer than a training makes. */
const epochsOfRun = 10;

const { photos, size, batch, epoch } = givenWork<InputWork>();
const images = readdirSync(photos, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.(jpe?g|png)$/i.test(path))
  .sort()
  .map((path) => {
    const bytes = readFileSync(join(photos, path));
    return { path, digest: sha256(bytes), bytes: bytes.length, width: size, height: size, tags: [], maskDigest: null };
  });
const split = { root: photos, images, shards: [images.map((_, image) => image)] };
const dir = mkdtempSync(join(tmpdir(), "seedgrow-input-"));
process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
const fail = (error: Error) => {
  throw error;
};
const nowMs = () => performance.now();
/** A later epoch has them all. */
const pace = epoch === "disk" ? Number.MAX_SAFE_INTEGER : undefined;
const writer = new ThreadPixelWriter({ dir, bytesMax: 4096 * 1024 * 1024 }, fail, nowMs, pace);
const cache = new PixelCache(dir, writer, nowMs);
let written = 0;
/** Every epoch is a first one: of photos that nobody has seen before. */
const forgetful: KeptPixels = {
  get: async () => null,
  put: (digest, side, pixels) => cache.put(sha256(Buffer.from(`${digest} ${written++}`)), side, pixels),
};
const openStore = () =>
  new ImageStore({
    manifest: { version: 1, classes: ["a"], train: split, val: null },
    imageSize: size,
    localDir: photos,
    fetch: () => Promise.reject(new Error("all photos are here")),
    memoryBytesMax: epoch === "later" || epoch === "run" ? images.length * size * size * 3 : 0,
    kept: { first: forgetful, later: null, disk: cache, run: forgetful }[epoch],
  });
let store = openStore();
const workerData: CropWork = { size, batch };
/**
 * A thread that only draws crops makes no garbage, is not collected, and holds on to every photo it was shown. One that trains is
 * collected every 20 batches (`node --trace-gc dist/bench/ours/step.js`), about as often as one with this little room.
 */
const resourceLimits = { maxYoungGenerationSizeMb: 1 };
const cropThread = new Worker(new URL("./crop-thread.js", import.meta.url), { workerData, resourceLimits });
await once(cropThread, "message");
let next = 0;
const draw = (): number[] => Array.from({ length: batch }, () => next++ % images.length);
if (epoch === "later" || epoch === "disk") await decode([...images.keys()]);
const coming = [decode(draw()), decode(draw())];
const drawn = on(cropThread, "message");
/** It has one to draw and one to go on with, as a thread has that computes the micro-batches of a step. */
await sendBatch();

function decode(wanted: readonly number[]) {
  return Promise.all(wanted.map(async (image) => ({ image, tags: [], pixels: await store.pixels("train", image) })));
}

async function sendBatch(): Promise<void> {
  cropThread.postMessage(await coming.shift());
  coming.push(decode(draw()));
}

async function drawBatch(): Promise<number> {
  await sendBatch();
  await drawn.next();
  return batch;
}

async function run(): Promise<number> {
  store = openStore();
  let count = 0;
  while (count < epochsOfRun * images.length) count += await drawBatch();
  return count;
}

await answer(`sharp ${sharp.versions.sharp}`, epoch === "run" ? run : drawBatch);
await cropThread.terminate();
await writer.close();
