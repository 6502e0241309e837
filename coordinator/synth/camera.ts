/** What a camera does to a scene: exposure, contrast, vignette and grain; in worse light also a cast and blur. */
import type { Rng } from "../../shared/rng.js";
import type { Canvas } from "./canvas.js";
import { clamp } from "./noise.js";

export interface Camera {
  readonly exposure: number;
  readonly contrast: number;
  readonly vignette: number;
  readonly grain: number;
  /** Factor per channel. */
  readonly cast: readonly [red: number, green: number, blue: number];
}

export function drawCamera(rng: Rng): Camera {
  return {
    exposure: rng.uniform(0.8, 1.15),
    contrast: rng.uniform(0.85, 1.2),
    vignette: rng.uniform(0, 0.3),
    grain: rng.uniform(0.01, 0.045),
    cast: [1, 1, 1],
  };
}

/** Of somebody in a hurry: half a stop more either way, warm or cold, and grainy where it is dark. */
export function drawHastyCamera(rng: Rng): Camera {
  const exposure = rng.uniform(0.7, 1.35);
  const warmth = rng.uniform(-0.12, 0.12);
  return {
    exposure,
    contrast: rng.uniform(0.7, 1.25),
    vignette: rng.uniform(0, 0.45),
    grain: rng.uniform(0.01, 0.04) + Math.max(0, 0.9 - exposure) * 0.1,
    cast: [1 + warmth, 1 + rng.uniform(-0.03, 0.03), 1 - warmth],
  };
}

export function expose(canvas: Canvas, camera: Camera, rng: Rng): void {
  const { width, height, rgb } = canvas;
  for (let pixel = 0; pixel < width * height; pixel++) {
    const u = (pixel % width) / width - 0.5;
    const v = Math.floor(pixel / width) / height - 0.5;
    const dark = 1 - camera.vignette * 2 * (u * u + v * v);
    const noise = (rng.next() + rng.next() - 1) * camera.grain * 2;
    for (let k = 0; k < 3; k++) {
      const exposed = rgb[pixel * 3 + k]! * camera.exposure * dark * camera.cast[k]!;
      rgb[pixel * 3 + k] = clamp((exposed - 0.45) * camera.contrast + 0.45 + noise, 0, 1);
    }
  }
}

/** Out of focus, or an unsteady hand: the mean over `wide` x `high` samples (odd), of the picture alone. */
export function blur(canvas: Canvas, wide: number, high: number): void {
  const { width, height } = canvas;
  for (let y = 0; y < height; y++) blurLine(canvas.rgb, y * width, 1, width, (wide - 1) / 2);
  for (let x = 0; x < width; x++) blurLine(canvas.rgb, x, width, height, (high - 1) / 2);
}

function blurLine(rgb: Float32Array, start: number, stride: number, count: number, reach: number): void {
  if (reach < 1) return;
  const held = new Float32Array(count);
  for (let k = 0; k < 3; k++) {
    const at = (i: number) => (start + clamp(i, 0, count - 1) * stride) * 3 + k;
    for (let i = 0; i < count; i++) held[i] = rgb[at(i)]!;
    const value = (i: number) => held[clamp(i, 0, count - 1)]!;
    let sum = 0;
    for (let i = -reach; i <= reach; i++) sum += value(i);
    for (let i = 0; i < count; i++) {
      rgb[at(i)] = sum / (2 * reach + 1);
      sum += value(i + reach + 1) - value(i - reach);
    }
  }
}
