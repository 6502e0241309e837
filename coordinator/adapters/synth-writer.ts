/**
 * Writes a synthetic data set: JPEG photos under train/ and val/, palette-PNG masks under masks/; tags as class folders,
 * or, where an image can have several, as train.csv and val.csv. The pixels depend on seed and size alone; the bytes of
 * a photo also on the JPEG encoder, hence the fixed options.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import type { SplitName } from "../../shared/data/manifest.js";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import type { Picture } from "../synth/canvas.js";
import { drawHerd } from "../synth/herd.js";
import { planHerds, planImages, type SceneStyle, tagsCsv } from "../synth/plan.js";
import { drawScene, type SceneSize } from "../synth/scene.js";

export interface SynthOptions {
  readonly outPath: string;
  readonly seed: number;
  readonly scenes?: SceneStyle;
  readonly trainImages: number;
  readonly valImages: number;
  readonly size: SceneSize;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** High enough that artefacts do not fray the stripes, as a camera would write. */
const jpegOptions = { quality: 90, chromaSubsampling: "4:4:4", mozjpeg: false } as const;

interface Drawing {
  readonly path: string;
  readonly draw: () => Picture;
}

/** @returns the number of images written. */
export async function writeSynth(options: SynthOptions): Promise<number> {
  await rejectUnlessEmpty(options.outPath);
  const counts = { train: options.trainImages, val: options.valImages };
  const drawings = options.scenes === "herd" ? await planHerd(options, counts) : planSingle(options, counts);
  for (const [done, drawing] of drawings.entries()) {
    options.signal?.throwIfAborted();
    await writeImage(options.outPath, drawing);
    options.onProgress?.(done + 1, drawings.length);
  }
  return drawings.length;
}

function planSingle({ seed, size }: SynthOptions, counts: Readonly<Record<SplitName, number>>): Drawing[] {
  return planImages(counts).map(({ path, split, kind, index }) => {
    return { path, draw: () => drawScene(kind, size, seed, "synth", split, index) };
  });
}

/** Writes the lists of tags, and says what to draw. */
async function planHerd(options: SynthOptions, counts: Readonly<Record<SplitName, number>>): Promise<Drawing[]> {
  const { outPath, seed, size } = options;
  const plan = planHerds(counts);
  for (const split of ["train", "val"] as const) {
    const images = plan.filter((image) => image.split === split);
    if (images.length > 0) await writeNew(join(outPath, `${split}.csv`), Buffer.from(tagsCsv(images)));
  }
  return plan.map(({ path, split, species, index }) => {
    return { path, draw: () => drawHerd(species, size, seed, "herd", split, index) };
  });
}

async function writeImage(outPath: string, { path, draw }: Drawing): Promise<void> {
  const picture = draw();
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
