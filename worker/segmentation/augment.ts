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

/** Writes the crop as [size, size, 3] in [-1, 1] to `pixels`, and its labels as [size, size] to `labels`. */
export function augment(
  example: LabelledExample,
  imageSize: number,
  crop: Crop,
  light: Light,
  size: number,
  pixels: Float32Array,
  labels: Int32Array,
): void {
  const columns = sourcePositions(crop.x, crop.side, imageSize, size, crop.mirrored);
  const rows = sourcePositions(crop.y, crop.side, imageSize, size, false);
  const source = example.pixels;
  const last = imageSize - 1;
  const { gain, offset, grey } = light;
  for (let y = 0; y < size; y++) {
    const row = rows[y]!;
    const top = Math.floor(row) * imageSize;
    const bottom = Math.min(last, Math.floor(row) + 1) * imageSize;
    const v = row - Math.floor(row);
    const labelRow = Math.round(row) * imageSize;
    for (let x = 0; x < size; x++) {
      const column = columns[x]!;
      const left = Math.floor(column);
      const right = Math.min(last, left + 1);
      const u = column - left;
      const a = (top + left) * 3;
      const b = (top + right) * 3;
      const c = (bottom + left) * 3;
      const d = (bottom + right) * 3;
      const o = y * size + x;
      for (let k = 0; k < 3; k++) {
        const upper = source[a + k]! * (1 - u) + source[b + k]! * u;
        const lower = source[c + k]! * (1 - u) + source[d + k]! * u;
        pixels[o * 3 + k] = (upper * (1 - v) + lower * v) / 127.5 - 1;
      }
      if (grey) pixels.fill(luma(pixels, o * 3), o * 3, o * 3 + 3);
      for (let k = o * 3; k < o * 3 + 3; k++) {
        pixels[k] = Math.min(1, Math.max(-1, pixels[k]! * gain + offset[k - o * 3]!));
      }
      labels[o] = example.labels ? example.labels[labelRow + Math.round(column)]! : IGNORE;
    }
  }
}

/** The same crop of a map of numbers that cannot be mixed (superpixels); nearest, as labels are. */
export function cropMap(map: Int32Array, imageSize: number, crop: Crop, size: number): Int32Array {
  const columns = sourcePositions(crop.x, crop.side, imageSize, size, crop.mirrored);
  const rows = sourcePositions(crop.y, crop.side, imageSize, size, false);
  const out = new Int32Array(size * size);
  for (let y = 0; y < size; y++) {
    const row = Math.round(rows[y]!) * imageSize;
    for (let x = 0; x < size; x++) out[y * size + x] = map[row + Math.round(columns[x]!)]!;
  }
  return out;
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
