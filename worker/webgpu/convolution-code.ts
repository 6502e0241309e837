/**
 * Convolutions as matrix products (tiles.ts), implicit im2col:
 *
 *   forward          y  [pixels of y, to]          = x at (pixel of y, tap and channel) x filter [taps and channels, to]
 *   filter gradient  dw [taps and channels, to]    = the same of x, transposed          x dy [pixels of y, to]
 *   input gradient   dx [pixels of x, from]        = dy at (pixel of x, tap and channel) x filter, transposed
 *
 * Layout NHWC; filters [side, side, from, to]. The last line's program is in input-gradient-code.ts.
 */
import { halfProductCode } from "./half-tiles.js";
import { type Operand, type Product, productCode, type Tile, tileDepth } from "./tiles.js";

export interface ConvolutionKind {
  readonly tile: Tile;
  /** Four channels in one read and one write: both channel counts are multiples of 4. */
  readonly isWide: boolean;
  /** Products in float16 (half-tiles.ts); gradients are scaled by a further input, `peaks`. Wide ones only. */
  readonly isHalf: boolean;
}

/** As the uniform `clip` numbers them. */
export const activations = ["linear", "relu", "relu6"];

/** Each layer of groups takes its part of K. */
const partSetup = `let steps = uniforms.steps; let firstK = i32(workgroupId.z) * steps * ${tileDepth};`;

/** Without a bias: part sums [layers, pixels, to], each over `steps` of the taps. */
export function forwardCode(kind: ConvolutionKind, hasBias: boolean): string {
  const a: Operand = { contiguous: "k", ...pixels, inner: "tapAt", later: "laterTap", load: "imageAt" };
  return [
    imageCode(kind.isWide),
    matrixCode(kind.isWide, "w", "uniforms.taps"),
    resultCode(kind.isWide, hasBias, "uniforms.pixels"),
    product(kind, { a, b: matrix, setup: partSetup, store: "storeResult" }),
  ].join("\n");
}

/** Part sums [layers, taps and channels, to], each over `steps` of the pixels. */
export function filterGradientCode(kind: ConvolutionKind): string {
  const a: Operand = { contiguous: "other", ...pixels, inner: "tapAt", later: "laterPixel", load: "imageAt" };
  return [
    imageCode(kind.isWide),
    matrixCode(kind.isWide, "dy", "uniforms.pixels"),
    resultCode(kind.isWide, false, "uniforms.taps"),
    product(kind, { a, b: { ...matrix, isScaled: true }, setup: partSetup, store: "storeResult" }),
  ].join("\n");
}

const pixels = { outer: "pixelAt", next: "nextPixel" } as const;
const matrix: Operand = {
  ...{
    contiguous: "other",
    outer: "matrixRow",
    next: "nextRow",
    inner: "plainAt",
    later: "laterRow",
    load: "matrixAt",
  },
};

export function product(kind: ConvolutionKind, parts: Omit<Product, keyof ConvolutionKind>): string {
  return kind.isHalf ? halfProductCode({ ...kind, ...parts }) : productCode({ ...kind, ...parts });
}

/** Added to a row of pixels or taps that is not there: no image is that high. */
export const far = 1 << 20;

/** Rows of pixels are (place in memory, y, x, 0) of the window's corner, which may lie outside; taps (place from there, y, x, channel). */
export const readAt = (height: string, width: string, cells: string) => `
      let at = outer.yz + inner.yz;
      let cell = outer.x + inner.x;
      let isInside = u32(at.x) < u32(${height}) && u32(at.y) < u32(${width}) && cell < ${cells};`;

/** im2col of x: rows are pixels of y, columns are taps and channels. */
function imageCode(isWide: boolean): string {
  return `
    fn plainAt(index : i32) -> vec4<i32> {
      return vec4<i32>(index, select(${far}, 0, index < uniforms.outChannels), 0, 0);
    }
    fn pixelAt(index : i32) -> vec4<i32> {
      let line = index / uniforms.outWidth;
      let image = line / uniforms.outHeight;
      let at = vec2<i32>(line - image * uniforms.outHeight, index - line * uniforms.outWidth) * uniforms.stride -
        vec2<i32>(uniforms.padTop, uniforms.padLeft);
      let pixel = (image * uniforms.inHeight + at.x) * uniforms.inWidth + at.y;
      return vec4<i32>(pixel * uniforms.inChannels, at, 0);
    }
    fn nextPixel(pixel : vec4<i32>) -> vec4<i32> { return pixelAfter(pixel, 1); }
    fn laterPixel(pixel : vec4<i32>) -> vec4<i32> { return pixelAfter(pixel, ${tileDepth}); }
    fn pixelAfter(pixel : vec4<i32>, count : i32) -> vec4<i32> {
      let size = vec2<i32>(uniforms.outHeight, uniforms.outWidth) * uniforms.stride;
      let along = count * uniforms.stride;
      var next = pixel + vec4<i32>(along * uniforms.inChannels, 0, along, 0);
      while (next.z >= size.y - uniforms.padLeft) {
        let line = (uniforms.stride * uniforms.inWidth - size.y) * uniforms.inChannels;
        next = next + vec4<i32>(line, uniforms.stride, -size.y, 0);
        if (next.y == size.x - uniforms.padTop) {
          let image = (uniforms.inHeight - size.x) * uniforms.inWidth * uniforms.inChannels;
          next = next + vec4<i32>(image, -size.x, 0, 0);
        }
      }
      return next;
    }
    fn tapAt(index : i32) -> vec4<i32> {
      let tap = index / uniforms.inChannels;
      let channel = index - tap * uniforms.inChannels;
      let row = tap / uniforms.filterWidth;
      let at = vec2<i32>(row, tap - row * uniforms.filterWidth) * uniforms.dilation;
      let place = (at.x * uniforms.inWidth + at.y) * uniforms.inChannels + channel;
      return vec4<i32>(place, at.x + select(0, ${far}, index >= uniforms.taps), at.y, channel);
    }
    fn laterTap(tap : vec4<i32>) -> vec4<i32> {
      var next = tap + vec4<i32>(${tileDepth}, 0, 0, ${tileDepth});
      while (next.w >= uniforms.inChannels) {
        let place = (uniforms.dilation - 1) * uniforms.inChannels;
        next = next + vec4<i32>(place, 0, uniforms.dilation, -uniforms.inChannels);
        if (next.z == uniforms.filterWidth * uniforms.dilation) {
          let line = (uniforms.inWidth - uniforms.filterWidth) * uniforms.dilation * uniforms.inChannels;
          next = next + vec4<i32>(line, uniforms.dilation, -next.z, 0);
          if (next.y == uniforms.filterHeight * uniforms.dilation) { next.y = ${far}; }
        }
      }
      return next;
    }
    ${loadCode("imageAt", "x", isWide, readAt("uniforms.inHeight", "uniforms.inWidth", "uniforms.inCells"))}`;
}

/** A matrix in memory, [rows, to]. */
function matrixCode(isWide: boolean, name: string, rows: string): string {
  return `
    fn matrixRow(index : i32) -> vec4<i32> { return vec4<i32>(index * uniforms.outChannels, 0, 0, 0); }
    fn nextRow(row : vec4<i32>) -> vec4<i32> { return row + vec4<i32>(uniforms.outChannels, 0, 0, 0); }
    fn laterRow(row : vec4<i32>) -> vec4<i32> { return row + vec4<i32>(${tileDepth} * uniforms.outChannels, 0, 0, 0); }
    ${loadCode(
      "matrixAt",
      name,
      isWide,
      `
      let cell = outer.x + inner.x;
      let isInside = inner.y == 0 && cell < ${rows} * uniforms.outChannels;`,
    )}`;
}

/** `place`: defines `cell`, index of a float, and `isInside`. */
export function loadCode(name: string, from: string, isWide: boolean, place: string): string {
  const type = isWide ? "vec4<f32>" : "f32";
  return `
    fn ${name}(outer : vec4<i32>, inner : vec4<i32>) -> ${type} {
      ${place}
      var value = ${type}(0.0);
      if (isInside) { value = ${from}[${isWide ? "u32(cell) / 4u" : "cell"}]; }
      return value;
    }`;
}

/** `values` to `result` at `place`, as far as there are `columns`. */
export function storeCode(isWide: boolean, columns: string): string {
  if (isWide) return "result[place / 4] = values;";
  return `for (var j = 0; j < min(4, ${columns} - column); j = j + 1) { result[place + j] = values[j]; }`;
}

/** A layer of the result has so many `rows`. */
function resultCode(isWide: boolean, hasBias: boolean, rows: string): string {
  const last = "uniforms.outChannels - 1";
  const biases = [0, 1, 2, 3].map((j) => `bias[min(column + ${j}, ${last})]`);
  const biased = isWide ? "bias[column / 4]" : `vec4<f32>(${biases})`;
  return `
    fn storeResult(row : i32, column : i32, products : vec4<f32>) {
      if (row >= ${rows} || column >= uniforms.outChannels) { return; }
      var values = products;
      ${hasBias ? `values = values + ${biased};` : ""}
      if (uniforms.clip > 0) { values = max(values, vec4<f32>(0.0)); }
      if (uniforms.clip > 1) { values = min(values, vec4<f32>(6.0)); }
      let place = (i32(workgroupId.z) * ${rows} + row) * uniforms.outChannels + column;
      ${storeCode(isWide, "uniforms.outChannels")}
    }`;
}
