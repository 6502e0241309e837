/**
 * Photos to training crops: read, checked, decoded and resized on libvips' threads, then cropped and lit. In a first epoch they
 * come from disk; later ones find them decoded in memory.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { sha256 } from "../../shared/codec/digest.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import { Rng } from "../../shared/rng.js";
import { ImageStore } from "../../worker/data/image-store.js";
import { augment, drawCrop, drawLight } from "../../worker/segmentation/augment.js";
import { answer, givenWork } from "../lib/answer.js";
import { openCrops } from "./crops.js";

interface InputWork {
  readonly photos: string;
  readonly size: number;
  readonly batch: number;
  readonly epoch: "first" | "later";
}

const { photos, size, batch, epoch } = givenWork<InputWork>();
const { augment: light } = methodConfigSchema.parse({});
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
const drawPixels = await openCrops();
const labels = new Int32Array(size * size);
const pixels = new Float32Array(batch * size * size * 3);
let next = 0;
const draw = (): number[] => Array.from({ length: batch }, () => next++ % images.length);
if (epoch === "later") await decode([...images.keys()]);
let coming = decode(draw());

function decode(wanted: readonly number[]) {
  return Promise.all(wanted.map(async (image) => ({ image, pixels: await store.pixels("train", image) })));
}

await answer(`sharp ${sharp.versions.sharp}`, async () => {
  const ready = await coming;
  coming = decode(draw());
  for (const [slot, example] of ready.entries()) {
    const rng = new Rng("bench", next, slot);
    const crop = drawCrop([0.6, 1], size, rng);
    const out = pixels.subarray(slot * size * size * 3, (slot + 1) * size * size * 3);
    augment({ ...example, tags: [], labels: null }, size, crop, drawLight(light, rng), size, out, labels, drawPixels);
  }
  return batch;
});
