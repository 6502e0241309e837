/**
 * Augmentation of one training image: a square crop, mirrored or not, with other light and colour; the label map goes
 * through the same crop. Drawn from one RNG in a fixed order, so that a micro-batch can be made again anywhere.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { IGNORE } from "../../shared/data/manifest.js";
import type { Rng } from "../../shared/rng.js";
import type { LabelledExample } from "../compute/contract.js";

export interface Crop {
  /** Top left corner and side in source pixels. */
  readonly x: number;
  readonly y: number;
  readonly side: number;
  readonly mirrored: boolean;
}

export interface Light {
  readonly gain: number;
  /** Added per colour, in units of [-1, 1]. */
  readonly offset: readonly [number, number, number];
  readonly grey: boolean;
}

export function drawCrop(cropShare: readonly [number, number], imageSize: number, rng: Rng): Crop {
  const side = imageSize * rng.uniform(...cropShare);
  const x = rng.uniform(0, imageSize - side);
  const y = rng.uniform(0, imageSize - side);
  return { x, y, side, mirrored: rng.next() < 0.5 };
}

export function drawLight(config: MethodConfig["augment"], rng: Rng): Light {
  const gain = rng.uniform(...config.gain);
  const shift = rng.uniform(-config.offset, config.offset);
  const grey = rng.next() < config.grey;
  const colour = () => shift + (grey ? 0 : rng.uniform(-config.colour, config.colour));
  return { gain, offset: [colour(), colour(), colour()], grey };
}

/** Writes the pixels of a crop in its light to `out`, [size, size, 3] in [-1, 1]; `source`: RGB, [imageSize, imageSize, 3]. */
export type DrawPixels = (
  source: Uint8Array,
  imageSize: number,
  crop: Crop,
  light: Light,
  size: number,
  out: Float32Array,
) => void;

/** Writes the labels of a crop to `out`, [size, size]. */
export function cropLabels(
  { labels }: LabelledExample,
  imageSize: number,
  crop: Crop,
  size: number,
  out: Int32Array,
): void {
  if (labels) cropMap(labels, imageSize, crop, size, out);
  else out.fill(IGNORE, 0, size * size);
}

/** Whether a pixel of the crop has a label. */
export function showsLabel({ labels }: LabelledExample, imageSize: number, crop: Crop, size: number): boolean {
  if (!labels) return false;
  const { rows, columns } = nearestOf(crop, imageSize, size);
  return rows.some((row) => columns.some((column) => labels[row * imageSize + column] !== IGNORE));
}

/** To `out`, for each row and then for each column of a crop: where it lies in the photo, as a whole number and the rest. [4 size] */
export function cropTaps({ x, y, side, mirrored }: Crop, imageSize: number, size: number, out: Float32Array): void {
  const axes = [sourcePositions(y, side, imageSize, size, false), sourcePositions(x, side, imageSize, size, mirrored)];
  for (const [axis, positions] of axes.entries()) {
    for (let i = 0; i < size; i++) {
      const whole = Math.floor(positions[i]!);
      const at = 2 * (axis * size + i);
      out[at] = whole;
      out[at + 1] = positions[i]! - whole;
    }
  }
}

/** The formula: bilinear in float64. worker/wasm/crop.ts has its bits, in a third of the time. */
export const drawPixels: DrawPixels = (source, imageSize, crop, light, size, out) => {
  const columns = columnTaps(crop, imageSize, size);
  const rows = sourcePositions(crop.y, crop.side, imageSize, size, false);
  const stretched: Float64Array[] = [];
  const stretch = (row: number): Float64Array => {
    stretched[row] ??= stretchRow(source.subarray(row * imageSize * 3, (row + 1) * imageSize * 3), columns);
    return stretched[row];
  };
  for (let y = 0; y < size; y++) {
    const top = Math.floor(rows[y]!);
    const bottom = Math.min(imageSize - 1, top + 1);
    mixRows(out, y * size * 3, stretch(top), stretch(bottom), rows[y]! - top);
  }
  relight(out.subarray(0, size * size * 3), light);
};

/** Where a row's pixels come from: two bytes of its source, and the weight of the second. */
interface ColumnTaps {
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly rest: Float64Array;
}

function columnTaps(crop: Crop, imageSize: number, size: number): ColumnTaps {
  const at = sourcePositions(crop.x, crop.side, imageSize, size, crop.mirrored);
  const left = Int32Array.from(at, (column) => Math.floor(column) * 3);
  const right = Int32Array.from(at, (column) => Math.min(imageSize - 1, Math.floor(column) + 1) * 3);
  return { left, right, rest: at.map((column) => column - Math.floor(column)) };
}

/** Columns first: a stretched source row serves all output rows on either side of it. */
function stretchRow(pixels: Uint8Array, { left, right, rest }: ColumnTaps): Float64Array {
  const values = new Float64Array(left.length * 3);
  for (let x = 0; x < left.length; x++) {
    const a = left[x]!;
    const b = right[x]!;
    const v = rest[x]!;
    const u = 1 - v;
    const o = x * 3;
    values[o] = pixels[a]! * u + pixels[b]! * v;
    values[o + 1] = pixels[a + 1]! * u + pixels[b + 1]! * v;
    values[o + 2] = pixels[a + 2]! * u + pixels[b + 2]! * v;
  }
  return values;
}

function mixRows(pixels: Float32Array, at: number, upper: Float64Array, lower: Float64Array, v: number): void {
  for (let i = 0; i < upper.length; i++) {
    pixels[at + i] = (upper[i]! * (1 - v) + lower[i]! * v) / 127.5 - 1;
  }
}

function relight(pixels: Float32Array, { gain, offset, grey }: Light): void {
  const [red, green, blue] = offset;
  for (let i = 0; i < pixels.length; i += 3) {
    if (grey) pixels[i] = pixels[i + 1] = pixels[i + 2] = luma(pixels, i);
    pixels[i] = Math.min(1, Math.max(-1, pixels[i]! * gain + red));
    pixels[i + 1] = Math.min(1, Math.max(-1, pixels[i + 1]! * gain + green));
    pixels[i + 2] = Math.min(1, Math.max(-1, pixels[i + 2]! * gain + blue));
  }
}

/** The same crop of a map of numbers that cannot be mixed (superpixels); nearest, as labels are. Written to `out`, [size, size]. */
export function cropMap(
  map: Int32Array | Uint8Array,
  imageSize: number,
  crop: Crop,
  size: number,
  out: Int32Array = new Int32Array(size * size),
): Int32Array {
  const { rows, columns } = nearestOf(crop, imageSize, size);
  for (let y = 0; y < size; y++) {
    const [row, at] = [rows[y]! * imageSize, y * size];
    if (rows[y] === rows[y - 1]) out.copyWithin(at, at - size, at);
    else for (let x = 0; x < size; x++) out[at + x] = map[row + columns[x]!]!;
  }
  return out;
}

/** The pixel of the photo that is nearest to each row and column. */
function nearestOf({ x, y, side, mirrored }: Crop, imageSize: number, size: number) {
  return {
    rows: Int32Array.from(sourcePositions(y, side, imageSize, size, false), Math.round),
    columns: Int32Array.from(sourcePositions(x, side, imageSize, size, mirrored), Math.round),
  };
}

/** Centre of each output cell in source pixels, clamped to the image. */
function sourcePositions(
  start: number,
  side: number,
  imageSize: number,
  size: number,
  mirrored: boolean,
): Float64Array {
  const at = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const target = mirrored ? size - 1 - i : i;
    at[i] = Math.min(imageSize - 1, Math.max(0, start + ((target + 0.5) * side) / size - 0.5));
  }
  return at;
}

/** Rec. 601. */
function luma(rgb: Float32Array, at: number): number {
  return 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!;
}
