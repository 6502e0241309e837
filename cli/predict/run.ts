/** Segments photos, as many at once as can be computed at once; as many again are decoded or written meanwhile. Loaded only by `predict` itself. */
import { readFile } from "node:fs/promises";
import pLimit from "p-limit";
import sharp from "sharp";
import { writeFileDurably } from "../../coordinator/adapters/files.js";
import { decodeUpright } from "../../shared/data/decode.js";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { overlayLabels } from "../../shared/data/overlay.js";
import { AppError } from "../../shared/errors.js";
import type { Photo, Predictor } from "../../worker/predict.js";
import type { PlannedImage } from "./plan.js";

export interface MaskWritten {
  readonly image: string;
  readonly mask: string;
  readonly width: number;
  readonly height: number;
  /** Share of the photo's pixels per class that occurs in it. */
  readonly classes: Readonly<Record<string, number>>;
}

interface Decoded {
  readonly bytes: Uint8Array;
  readonly photo: Photo;
}

interface PredictOptions {
  readonly allowed: readonly number[] | null;
  readonly raw: boolean;
  readonly onProgress: (done: number, total: number) => void;
  readonly onBroken: (image: string, reason: string) => void;
}

/** In the order planned, without the broken ones. */
export async function predictAll(
  predictor: Predictor,
  planned: readonly PlannedImage[],
  options: PredictOptions,
): Promise<MaskWritten[]> {
  const limit = pLimit(2 * predictor.photosAtOnce);
  let done = 0;
  const predictNext = async (image: PlannedImage) => {
    const decoded = await decodeOrBroken(predictor, image);
    const written = typeof decoded === "string" ? null : await predictOne(predictor, image, decoded, options);
    if (typeof decoded === "string") options.onBroken(image.path, decoded);
    options.onProgress(++done, planned.length);
    return written;
  };
  try {
    const results = await limit.map(planned, predictNext);
    return results.filter((written) => written !== null);
  } finally {
    limit.clearQueue();
  }
}

async function predictOne(
  predictor: Predictor,
  image: PlannedImage,
  decoded: Decoded,
  options: PredictOptions,
): Promise<MaskWritten> {
  const labels = await predictor.predict(decoded.photo, options.allowed, options);
  await writeOutputs(image, decoded, labels);
  const { width, height } = decoded.photo;
  return { image: image.path, mask: image.maskPath, width, height, classes: sharesOf(labels, predictor.model.classes) };
}

/** Or why it is broken. */
async function decodeOrBroken(predictor: Predictor, { path }: PlannedImage): Promise<Decoded | string> {
  try {
    const bytes = await readFile(path);
    return { bytes, photo: await predictor.decode(bytes) };
  } catch (error) {
    return AppError.from(error).message;
  }
}

async function writeOutputs(
  { maskPath, overlayPath }: PlannedImage,
  { bytes, photo }: Decoded,
  labels: Uint8Array,
): Promise<void> {
  const { width, height } = photo;
  await writeFileDurably(maskPath, writeMaskPng(width, height, labels));
  if (overlayPath === null) return;
  const { rgb } = await decodeUpright(bytes);
  // A contour that can be seen on a large photo as on a small one.
  const contourPixels = Math.max(1, Math.round(Math.min(width, height) / 200));
  const picture = overlayLabels(rgb, labels, width, height, { contourPixels });
  const jpeg = await sharp(picture, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
  await writeFileDurably(overlayPath, jpeg);
}

function sharesOf(labels: Uint8Array, classes: readonly string[]): Record<string, number> {
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label]!++;
  const found = classes.map((name, index) => [name, counts[index + 1]! / labels.length] as const);
  return Object.fromEntries(found.filter(([, share]) => share > 0));
}
