/**
 * Pictures of label maps and heat maps, as raw RGB: what `predict --overlay` and the report show. Nothing is decoded or
 * encoded here. Maps are [height, width], pictures [height, width, 3], all 8-bit and of one size.
 */
import { BACKGROUND, IGNORE } from "./manifest.js";
import { vocPalette } from "./mask-png.js";

export type Rgb = readonly [red: number, green: number, blue: number];

export interface OverlayOptions {
  /** Share of the class colour inside an object, 0..1. Contours are always opaque. */
  readonly opacity?: number;
  /** Thickness of the contour, drawn inside the object, pixels. */
  readonly contourPixels?: number;
  /** "grey" fades the background to a darker grey, so that a mask's shape shows at thumbnail size. */
  readonly background?: "photo" | "grey";
}

/** The first classes get bright colours that differ for colour-blind eyes too (after Okabe and Ito); the rest VOC's. */
const brightColors: readonly Rgb[] = [
  [255, 122, 26],
  [30, 160, 255],
  [236, 64, 160],
  [0, 190, 130],
  [250, 210, 40],
  [150, 110, 255],
  [255, 90, 90],
  [60, 220, 220],
];
const ignoreColor: Rgb = [225, 225, 225];

const vocColors = vocPalette();
const overlayColors: readonly Rgb[] = Array.from({ length: 256 }, (_, id) => {
  if (id === IGNORE) return ignoreColor;
  return brightColors[id - 1] ?? [vocColors[id * 3]!, vocColors[id * 3 + 1]!, vocColors[id * 3 + 2]!];
});

/** Inferno (matplotlib, CC0) at 11 even steps: lightness grows evenly with the value. */
const inferno: readonly Rgb[] = [
  [0, 0, 4],
  [22, 11, 57],
  [66, 10, 104],
  [106, 23, 110],
  [147, 38, 103],
  [188, 55, 84],
  [221, 81, 58],
  [243, 120, 25],
  [252, 165, 10],
  [246, 215, 70],
  [252, 255, 164],
];

export function overlayColor(id: number): Rgb {
  return overlayColors[id]!;
}

/** Classes as colour over the photo with a crisp contour; ignored pixels hatched; the background as it is, unless asked. */
export function overlayLabels(
  photo: Uint8Array,
  labels: Uint8Array,
  width: number,
  height: number,
  { opacity = 0.5, contourPixels = 1, background = "photo" }: OverlayOptions = {},
): Uint8Array {
  const out = Uint8Array.from(photo);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const label = labels[y * width + x]!;
      if (label === BACKGROUND) {
        if (background === "grey") fade(out, (y * width + x) * 3);
        continue;
      }
      const share =
        label === IGNORE ? hatch(x, y) : isContour(labels, width, height, x, y, contourPixels) ? 1 : opacity;
      mix(out, (y * width + x) * 3, overlayColors[label]!, share);
    }
  }
  return out;
}

/** RGB of a heat map (0..255): dark to light, through purple and orange. */
export function colorMap(heat: Uint8Array): Uint8Array {
  const table = new Uint8Array(256 * 3);
  for (let value = 0; value < 256; value++) {
    const position = (value / 255) * (inferno.length - 1);
    const below = Math.min(Math.floor(position), inferno.length - 2);
    for (let c = 0; c < 3; c++) {
      const [low, high] = [inferno[below]![c]!, inferno[below + 1]![c]!];
      table[value * 3 + c] = Math.round(low + (high - low) * (position - below));
    }
  }
  const out = new Uint8Array(heat.length * 3);
  for (let i = 0; i < heat.length; i++) out.set(table.subarray(heat[i]! * 3, heat[i]! * 3 + 3), i * 3);
  return out;
}

/** The heat map's colours over the photo in grey, so that the photo's own colours do not pass for heat. */
export function overlayHeat(photo: Uint8Array, heat: Uint8Array, opacity = 0.7): Uint8Array {
  const out = colorMap(heat);
  for (let i = 0; i < heat.length; i++) {
    const luma = lumaAt(photo, i * 3);
    for (let c = i * 3; c < i * 3 + 3; c++) out[c] = Math.round(luma * (1 - opacity) + out[c]! * opacity);
  }
  return out;
}

/** Nearest-neighbour resize of a label map; ids are never mixed. */
export function resizeLabels(
  labels: Uint8Array,
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Uint8Array {
  const out = new Uint8Array(to.width * to.height);
  const columns = Array.from({ length: to.width }, (_, x) => Math.floor(((x + 0.5) * from.width) / to.width));
  for (let y = 0; y < to.height; y++) {
    const row = Math.floor(((y + 0.5) * from.height) / to.height) * from.width;
    for (let x = 0; x < to.width; x++) out[y * to.width + x] = labels[row + columns[x]!]!;
  }
  return out;
}

/** True within `reach` pixels (along a row or column) of another label. The frame is no contour. */
function isContour(labels: Uint8Array, width: number, height: number, x: number, y: number, reach: number): boolean {
  const own = labels[y * width + x]!;
  for (let step = 1; step <= reach; step++) {
    if (x >= step && labels[y * width + x - step] !== own) return true;
    if (x + step < width && labels[y * width + x + step] !== own) return true;
    if (y >= step && labels[(y - step) * width + x] !== own) return true;
    if (y + step < height && labels[(y + step) * width + x] !== own) return true;
  }
  return false;
}

/** Rec. 709. */
function lumaAt(picture: Uint8Array, at: number): number {
  return 0.2126 * picture[at]! + 0.7152 * picture[at + 1]! + 0.0722 * picture[at + 2]!;
}

function fade(picture: Uint8Array, at: number): void {
  picture.fill(Math.round(lumaAt(picture, at) * 0.65), at, at + 3);
}

function hatch(x: number, y: number): number {
  return (x + y) % 6 < 2 ? 0.75 : 0.25;
}

function mix(picture: Uint8Array, at: number, color: Rgb, share: number): void {
  for (let c = 0; c < 3; c++) picture[at + c] = Math.round(picture[at + c]! * (1 - share) + color[c]! * share);
}
