/**
 * Photos to training crops: read, checked, decoded and resized on libvips' threads, then cropped and lit by another thread, a batch
 * behind. In a first epoch they come from disk; later ones find them decoded in memory.
 */
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import { sha256 } from "../../shared/codec/digest.js";
import { ImageStore } from "../../worker/data/image-store.js";
import { answer, givenWork } from "../lib/answer.js";
import type { CropWork } from "./crop-thread.js";

interface InputWork {
  readonly photos: string;
  readonly size: number;
  readonly batch: number;
  readonly epoch: "first" | "later";
}

const { photos, size, batch, epoch } = givenWork<InputWork>();
const images = readdirSync(photos, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.(jpe?g|png)$/i.test(path))
  .sort()
  .map((path) => {
    const bytes = readFileSync(join(photos, path));
    return { path, digest: sha256(bytes), bytes: bytes.length, width: size, height: size, tags: [], maskDigest: null };
  });
const split = { root: photos, images, shards: [images.map((_, image) => image)] };
const store = new ImageStore({
  manifest: { version: 1, classes: ["a"], train: split, val: null },
  imageSize: size,
  localDir: photos,
  fetch: () => Promise.reject(new Error("all photos are here")),
  memoryBytesMax: epoch === "first" ? 0 : images.length * size * size * 3,
});
const workerData: CropWork = { size, batch };
const cropThread = new Worker(new URL("./crop-thread.js", import.meta.url), { workerData });
await once(cropThread, "message");
let next = 0;
const draw = (): number[] => Array.from({ length: batch }, () => next++ % images.length);
if (epoch === "later") await decode([...images.keys()]);
const coming = [decode(draw()), decode(draw())];

function decode(wanted: readonly number[]) {
  return Promise.all(wanted.map(async (image) => ({ image, tags: [], pixels: await store.pixels("train", image) })));
}

await answer(`sharp ${sharp.versions.sharp}`, async () => {
  cropThread.postMessage(await coming.shift());
  coming.push(decode(draw()));
  await once(cropThread, "message");
  return batch;
});
await cropThread.terminate();
