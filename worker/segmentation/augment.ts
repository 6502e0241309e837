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

export function drawCrop(config: MethodConfig["augment"], imageSize: number, rng: Rng): Crop {
  const side = imageSize * rng.uniform(...config.cropShare);
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
  const at = sourcePositions(crop, size);
  const rowAt = (i: number) => Math.min(imageSize - 1, Math.max(0, crop.y + ((i + 0.5) * crop.side) / size - 0.5));
  const source = example.pixels;
  const rgb = [0, 0, 0];
  for (let y = 0; y < size; y++) {
    const row = rowAt(y);
    const top = Math.floor(row) * imageSize;
    const bottom = Math.min(imageSize - 1, Math.floor(row) + 1) * imageSize;
    const v = row - Math.floor(row);
    const labelRow = Math.round(row) * imageSize;
    for (let x = 0; x < size; x++) {
      const column = Math.min(imageSize - 1, Math.max(0, at[x]!));
      const left = Math.floor(column);
      const right = Math.min(imageSize - 1, left + 1);
      const u = column - left;
      for (let c = 0; c < 3; c++) {
        const upper = source[(top + left) * 3 + c]! * (1 - u) + source[(top + right) * 3 + c]! * u;
        const lower = source[(bottom + left) * 3 + c]! * (1 - u) + source[(bottom + right) * 3 + c]! * u;
        rgb[c] = (upper * (1 - v) + lower * v) / 127.5 - 1;
      }
      relight(rgb, light);
      const o = y * size + x;
      pixels.set(rgb, o * 3);
      labels[o] = example.labels ? example.labels[labelRow + Math.round(column)]! : IGNORE;
    }
  }
}

function sourcePositions(crop: Crop, size: number): Float64Array {
  const at = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const target = crop.mirrored ? size - 1 - i : i;
    at[i] = crop.x + ((target + 0.5) * crop.side) / size - 0.5;
  }
  return at;
}

function relight(rgb: number[], { gain, offset, grey }: Light): void {
  /** Rec. 601 luma. */
  const luma = 0.299 * rgb[0]! + 0.587 * rgb[1]! + 0.114 * rgb[2]!;
  for (let c = 0; c < 3; c++) {
    const value = (grey ? luma : rgb[c]!) * gain + offset[c]!;
    rgb[c] = Math.min(1, Math.max(-1, value));
  }
}
