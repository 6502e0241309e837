/**
 * The picture while it is painted: colours as floats, and beside every colour the label of what it belongs to. Whatever
 * covers a pixel takes its label too, which is why the masks are exact under every bush and blade of grass.
 */
import { BACKGROUND } from "../../shared/data/manifest.js";
import { clamp } from "./noise.js";

export type Rgb = readonly [red: number, green: number, blue: number];

export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3], display values 0..1, may overshoot. */
  readonly rgb: Float32Array;
  /** [height, width] */
  readonly labels: Uint8Array;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] */
  readonly rgb: Uint8Array;
  /** [height, width] */
  readonly labels: Uint8Array;
}

export function createCanvas(width: number, height: number): Canvas {
  return { width, height, rgb: new Float32Array(width * height * 3), labels: new Uint8Array(width * height) };
}

/** Paints one pixel over what is there; more than half covered, the pixel changes owner. */
export function paint(canvas: Canvas, pixel: number, color: Rgb, alpha = 1, label = BACKGROUND): void {
  const at = pixel * 3;
  canvas.rgb[at] = canvas.rgb[at]! * (1 - alpha) + color[0] * alpha;
  canvas.rgb[at + 1] = canvas.rgb[at + 1]! * (1 - alpha) + color[1] * alpha;
  canvas.rgb[at + 2] = canvas.rgb[at + 2]! * (1 - alpha) + color[2] * alpha;
  if (alpha > 0.5) canvas.labels[pixel] = label;
}

export function mixRgb(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

export function scaleRgb(a: Rgb, by: number): Rgb {
  return [a[0] * by, a[1] * by, a[2] * by];
}

/** Averages factor x factor samples into a pixel; it is background unless animals own at least half of them. */
export function downsample(canvas: Canvas, factor: number): Picture {
  const width = canvas.width / factor;
  const height = canvas.height / factor;
  const rgb = new Uint8Array(width * height * 3);
  const labels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) averageBlock(canvas, factor, x, y, rgb, labels);
  }
  return { width, height, rgb, labels };
}

function averageBlock(c: Canvas, factor: number, x: number, y: number, rgb: Uint8Array, labels: Uint8Array): void {
  const out = y * (c.width / factor) + x;
  let red = 0;
  let green = 0;
  let blue = 0;
  const owned: number[] = [];
  for (let i = 0; i < factor * factor; i++) {
    const sample = (y * factor + Math.floor(i / factor)) * c.width + x * factor + (i % factor);
    red += c.rgb[sample * 3]!;
    green += c.rgb[sample * 3 + 1]!;
    blue += c.rgb[sample * 3 + 2]!;
    if (c.labels[sample] !== BACKGROUND) owned.push(c.labels[sample]!);
  }
  const toByte = (sum: number) => Math.round(clamp(sum / (factor * factor), 0, 1) * 255);
  rgb[out * 3] = toByte(red);
  rgb[out * 3 + 1] = toByte(green);
  rgb[out * 3 + 2] = toByte(blue);
  labels[out] = owned.length * 2 >= factor * factor ? commonest(owned) : BACKGROUND;
}

/** The first of those that occur most often. */
function commonest(labels: readonly number[]): number {
  const count = (label: number) => labels.filter((other) => other === label).length;
  return labels.reduce((best, label) => (count(label) > count(best) ? label : best));
}
