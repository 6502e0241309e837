/**
 * Writes a synthetic data set: JPEG photos under train/ and val/, palette-PNG masks under masks/. The pixels depend on
 * seed and size alone; the bytes of a photo also on the JPEG encoder, hence the fixed options.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import type { Picture } from "../synth/canvas.js";
import { type PlannedImage, planImages } from "../synth/plan.js";
import { drawScene, type SceneSize } from "../synth/scene.js";

export interface SynthOptions {
  readonly outPath: string;
  readonly seed: number;
  readonly trainImages: number;
  readonly valImages: number;
  readonly size: SceneSize;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** High enough that artefacts do not fray the stripes, as a camera would write. */
const jpegOptions = { quality: 90, chromaSubsampling: "4:4:4", mozjpeg: false } as const;

/** @returns the number of images written. */
export async function writeSynth(options: SynthOptions): Promise<number> {
  await rejectUnlessEmpty(options.outPath);
  const plan = planImages({ train: options.trainImages, val: options.valImages });
  for (const [done, image] of plan.entries()) {
    options.signal?.throwIfAborted();
    await writeImage(options, image);
    options.onProgress?.(done + 1, plan.length);
  }
  return plan.length;
}

async function writeImage({ outPath, seed, size }: SynthOptions, { path, split, kind, index }: PlannedImage) {
  const picture = drawScene(kind, size, seed, "synth", split, index);
  await writeNew(join(outPath, `${path}.jpg`), await encodeJpeg(picture));
  const mask = writeMaskPng(picture.width, picture.height, picture.labels);
  await writeNew(join(outPath, "masks", `${path}.png`), mask);
}

export function encodeJpeg({ width, height, rgb }: Picture): Promise<Buffer> {
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg(jpegOptions)
    .toBuffer();
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** Old images beside new ones would be indexed together. */
async function rejectUnlessEmpty(path: string): Promise<void> {
  const entries = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (entries.length === 0) return;
  throw new AppError(
    "USAGE",
    `--out ${path} is not empty: it holds ${entries[0]}${entries.length > 1 ? " and more" : ""}`,
    {
      hint: "Name a new folder, or remove this one first.",
    },
  );
}
