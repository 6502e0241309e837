/** Crops around the part of a photo in which its mask changed most from the seeds to the last round. */
import { join } from "node:path";
import sharp from "sharp";
import type { ByteMap } from "../../shared/codec/map-pack.js";
import type { Mask } from "../../shared/data/mask-png.js";
import { overlayLabels } from "../../shared/data/overlay.js";
import type { CloseUp, Picture } from "../report/model.js";

/** Side of the crop, of the photo's sides; and of the picture, pixels. */
const cropShare = 0.34;
const side = 260;
/** A contour that shows and hides little. */
const look = { opacity: 0.16, contourPixels: 2 } as const;

export interface CloseUpInput {
  readonly root: string;
  readonly entry: { readonly path: string; readonly width: number; readonly height: number };
  readonly before: ByteMap;
  readonly after: ByteMap;
  readonly truth: Mask | null;
}

/** Shares of the photo's sides. */
interface Window {
  readonly left: number;
  readonly top: number;
}

/** Share of the mask's pixels that changed in the window; the crop's place. */
export function mostChanged(before: ByteMap, after: ByteMap): Window & { readonly changed: number } {
  const { width, height } = after;
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += before.data[y * width + x] === after.data[y * width + x] ? 0 : 1;
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1]! + row;
    }
  }
  const [w, h] = [Math.max(1, Math.floor(width * cropShare)), Math.max(1, Math.floor(height * cropShare))];
  let best = { left: 0, top: 0, count: -1 };
  for (let top = 0; top + h <= height; top += 2) {
    for (let left = 0; left + w <= width; left += 2) {
      const at = (x: number, y: number) => sums[y * (width + 1) + x]!;
      const count = at(left + w, top + h) - at(left, top + h) - at(left + w, top) + at(left, top);
      if (count > best.count) best = { left, top, count };
    }
  }
  return { left: best.left / width, top: best.top / height, changed: best.count / (w * h) };
}

/** @throws when the photo cannot be read. */
export async function closeUpOf({ root, entry, before, after, truth }: CloseUpInput, at: Window): Promise<CloseUp> {
  const { width, height } = entry;
  const region = {
    left: Math.floor(at.left * width),
    top: Math.floor(at.top * height),
    width: Math.max(1, Math.floor(width * cropShare)),
    height: Math.max(1, Math.floor(height * cropShare)),
  };
  const upright = await sharp(join(root, entry.path)).autoOrient().flatten().toColourspace("srgb").toBuffer();
  const scale = side / Math.max(region.width, region.height);
  const size = {
    width: Math.max(1, Math.round(region.width * scale)),
    height: Math.max(1, Math.round(region.height * scale)),
  };
  const rgb = await sharp(upright)
    .extract(region)
    .resize({ ...size, fit: "fill" })
    .removeAlpha()
    .raw()
    .toBuffer();
  const whole = {
    left: region.left / width,
    top: region.top / height,
    width: region.width / width,
    height: region.height / height,
  };
  const draw = (labels: Uint8Array, grid: { readonly width: number; readonly height: number }) => {
    return encode(overlayLabels(rgb, cropped(labels, grid, whole, size), size.width, size.height, look), size);
  };
  return {
    path: entry.path,
    before: await draw(before.data, before),
    after: await draw(after.data, after),
    truth: truth && (await draw(truth.labels, truth)),
  };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Nearest pixel; ids are never mixed. */
function cropped(labels: Uint8Array, grid: Size, part: Window & Size, size: Size): Uint8Array {
  const out = new Uint8Array(size.width * size.height);
  const pick = (at: number, start: number, length: number, count: number, limit: number) => {
    return Math.min(limit - 1, Math.floor((start + ((at + 0.5) / count) * length) * limit));
  };
  for (let y = 0; y < size.height; y++) {
    const row = pick(y, part.top, part.height, size.height, grid.height) * grid.width;
    for (let x = 0; x < size.width; x++) {
      out[y * size.width + x] = labels[row + pick(x, part.left, part.width, size.width, grid.width)]!;
    }
  }
  return out;
}

async function encode(rgb: Uint8Array, { width, height }: Size): Promise<Picture> {
  const bytes = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .webp({ quality: 78, effort: 3 })
    .toBuffer();
  return { uri: `data:image/webp;base64,${bytes.toString("base64")}`, width, height };
}
