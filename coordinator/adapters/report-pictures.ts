/** The report's thumbnails: photo, heat, labels and truth of one image, brought to one small size and encoded as WebP. */
import sharp from "sharp";
import type { ByteMap } from "../../shared/codec/map-pack.js";
import type { Mask } from "../../shared/data/mask-png.js";
import { overlayHeat, overlayLabels, resizeLabels } from "../../shared/data/overlay.js";
import { countImage, emptyCounts, scoresOf } from "../../shared/math/scores.js";
import type { LabelPicture, Picture } from "../report/model.js";

/** Longest side, pixels: sharp at the page's 148 CSS pixels on most screens, and about 8 KB. */
const thumbSide = 240;
const look = { background: "grey", opacity: 0.45 } as const;
const webp = { quality: 74, effort: 4 } as const;

/** A photo at thumbnail size, RGB [height, width, 3]. */
export interface Thumb {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

export function thumbSize(width: number, height: number): { width: number; height: number } {
  const scale = Math.min(1, thumbSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** @throws when the file is not there or not an image. */
export async function readThumb(path: string, size: { width: number; height: number }): Promise<Thumb> {
  const { width, height } = size;
  const picture = sharp(path).autoOrient().flatten().toColourspace("srgb").resize(width, height, { fit: "fill" });
  const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true });
  return { width, height, rgb: info.channels === 3 ? new Uint8Array(data) : greyToRgb(data, width * height) };
}

/** What labels are drawn on when the photo is gone. */
export function blankThumb({ width, height }: { width: number; height: number }): Thumb {
  return { width, height, rgb: new Uint8Array(width * height * 3).fill(128) };
}

export function photoPicture(thumb: Thumb): Promise<Picture> {
  return encode(thumb, thumb.rgb);
}

/** The strongest of the tags' activations at each pixel. */
export async function heatPicture(thumb: Thumb, cam: ByteMap): Promise<Picture> {
  const { width, height } = thumb;
  const strongest = strongestChannel(cam);
  const source = sharp(strongest, { raw: { width: cam.width, height: cam.height, channels: 1 } });
  const heat = await source.resize(width, height, { fit: "fill", kernel: "linear" }).extractChannel(0).raw().toBuffer();
  return encode(thumb, overlayHeat(thumb.rgb, heat));
}

/** `truth`: true labels [map.height, map.width], or null. */
export async function labelPicture(thumb: Thumb, map: ByteMap, truth: Uint8Array | null): Promise<LabelPicture> {
  const labels = resizeLabels(map.data, map, thumb);
  const picture = await encode(thumb, overlayLabels(thumb.rgb, labels, thumb.width, thumb.height, look));
  return { ...picture, fgMiou: truth && fgMiouOf(map, truth) };
}

/** The photo and its masks side by side, one picture; null where one is missing or there is nothing to see move. */
export async function filmOf(thumb: Thumb, maps: readonly (ByteMap | null)[]): Promise<Picture | null> {
  if (maps.length < 2 || maps.some((map) => map === null)) return null;
  const { width, height, rgb } = thumb;
  const masks = maps.map((map) => overlayLabels(rgb, resizeLabels(map!.data, map!, thumb), width, height, look));
  const frames = [rgb, ...masks];
  const strip = new Uint8Array(width * height * 3 * frames.length);
  for (const [index, frame] of frames.entries()) {
    for (let y = 0; y < height; y++) {
      strip.set(frame.subarray(y * width * 3, (y + 1) * width * 3), (y * frames.length + index) * width * 3);
    }
  }
  return encode({ width: width * frames.length, height, rgb: strip }, strip);
}

export function truthPicture(thumb: Thumb, truth: Mask): Promise<Picture> {
  const labels = resizeLabels(truth.labels, truth, thumb);
  return encode(thumb, overlayLabels(thumb.rgb, labels, thumb.width, thumb.height, look));
}

function fgMiouOf(map: ByteMap, truth: Uint8Array): number | null {
  const counts = emptyCounts(254);
  countImage(counts, truth, map.data, map.width, map.height);
  return scoresOf(counts, []).fgMiou;
}

function strongestChannel({ data, width, height, channels }: ByteMap): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    if (data[i]! > out[pixel]!) out[pixel] = data[i]!;
  }
  return out;
}

async function encode({ width, height }: Thumb, rgb: Uint8Array): Promise<Picture> {
  const bytes = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .webp(webp)
    .toBuffer();
  return { uri: `data:image/webp;base64,${bytes.toString("base64")}`, width, height };
}

function greyToRgb(grey: Uint8Array, pixels: number): Uint8Array {
  const rgb = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) rgb.fill(grey[i]!, i * 3, i * 3 + 3);
  return rgb;
}
