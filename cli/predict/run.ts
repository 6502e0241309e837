/** Segments photos one after the other; the next is decoded while the engine works. Loaded only by `predict` itself. */
import { readFile } from "node:fs/promises";
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

type Decoded = { readonly bytes: Uint8Array; readonly photo: Photo } | { readonly broken: string };

export async function predictAll(
  predictor: Predictor,
  planned: readonly PlannedImage[],
  options: {
    readonly allowed: readonly number[] | null;
    readonly raw: boolean;
    readonly onProgress: (done: number, total: number) => void;
    readonly onBroken: (image: string, reason: string) => void;
  },
): Promise<MaskWritten[]> {
  const written: MaskWritten[] = [];
  let next = decodeOrBroken(predictor, planned[0]!);
  for (const [index, image] of planned.entries()) {
    const decoded = await next;
    const following = planned[index + 1];
    if (following) next = decodeOrBroken(predictor, following);
    if ("broken" in decoded) {
      options.onBroken(image.path, decoded.broken);
    } else {
      const labels = await predictor.predict(decoded.photo, options.allowed, options);
      await writeOutputs(image, decoded, labels);
      const { width, height } = decoded.photo;
      const classes = sharesOf(labels, predictor.model.classes);
      written.push({ image: image.path, mask: image.maskPath, width, height, classes });
    }
    options.onProgress(index + 1, planned.length);
  }
  return written;
}

async function decodeOrBroken(predictor: Predictor, { path }: PlannedImage): Promise<Decoded> {
  try {
    const bytes = await readFile(path);
    return { bytes, photo: await predictor.decode(bytes) };
  } catch (error) {
    return { broken: AppError.from(error).message };
  }
}

async function writeOutputs(
  { maskPath, overlayPath }: PlannedImage,
  { bytes, photo }: { readonly bytes: Uint8Array; readonly photo: Photo },
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
