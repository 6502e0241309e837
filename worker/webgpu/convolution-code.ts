/**
 * Convolutions as matrix products (tiles.ts), implicit im2col:
 *
 *   forward          y  [pixels of y, to]          = x at (pixel of y, tap and channel) x filter [taps and channels, to]
 *   filter gradient  dw [taps and channels, to]    = the same of x, transposed          x dy [pixels of y, to]
 *   input gradient   dx [pixels of x, from]        = dy at (pixel of x, tap and channel) x filter, transposed
 *
 * With stride s a pixel of x meets only every s-th tap: the input gradient goes through the s x s classes of pixels that meet
 * the same taps, and takes no product with zero. Layout NHWC; filters [side, side, from, to].
 */
import { type Operand, type Product, productCode, type Tile, tileDepth } from "./tiles.js";

export interface ConvolutionKind {
  readonly tile: Tile;
  /** Four channels in one read and one write: both channel counts are multiples of 4. */
  readonly isWide: boolean;
}

/** As the uniform `clip` numbers them. */
export const activations = ["linear", "relu", "relu6"];

/** Each layer of groups takes its part of K. */
const partSetup = `let steps = uniforms.steps; let firstK = i32(workgroupId.z) * steps * ${tileDepth};`;

/** Without a bias: part sums [layers, pixels, to], each over `steps` of the taps. */
export function forwardCode(kind: ConvolutionKind, hasBias: boolean): string {
  const a: Operand = { contiguous: "k", ...pixels, inner: "tapAt", load: "imageAt" };
  return [
    imageCode(kind.isWide),
    matrixCode(kind.isWide, "w", "uniforms.taps"),
    resultCode(kind.isWide, hasBias, "uniforms.pixels"),
    product(kind, { a, b: matrix, setup: partSetup, store: "storeResult" }),
  ].join("\n");
}

/** Part sums [layers, taps and channels, to], each over `steps` of the pixels. */
export function filterGradientCode(kind: ConvolutionKind): string {
  const a: Operand = { contiguous: "other", ...pixels, inner: "tapAt", load: "imageAt" };
  return [
    imageCode(kind.isWide),
    matrixCode(kind.isWide, "dy", "uniforms.pixels"),
    resultCode(kind.isWide, false, "uniforms.taps"),
    product(kind, { a, b: matrix, setup: partSetup, store: "storeResult" }),
  ].join("\n");
}

/** In parts [layers, pixels of x, from], each over `steps` of the taps. */
export function inputGradientCode(kind: ConvolutionKind): string {
  const setup = `
    let phases = uniforms.stride * uniforms.stride;
    part = i32(workgroupId.z) / phases;
    choosePhase(i32(workgroupId.z) - part * phases);
    if (localIndex == 0u) {
      let phaseSteps = (phaseTaps.x * phaseTaps.y * uniforms.outChannels + ${tileDepth - 1}) / ${tileDepth};
      groupSteps = clamp(phaseSteps - part * uniforms.steps, 0, uniforms.steps);
    }
    let steps = workgroupUniformLoad(&groupSteps);
    let firstK = part * uniforms.steps * ${tileDepth};`;
  const a: Operand = { contiguous: "k", outer: "placeAt", next: "nextPlace", inner: "tapOf", load: "dyAt" };
  const b: Operand = { contiguous: "k", outer: "filterRow", next: "nextRow", inner: "filterTap", load: "filterAt" };
  return [
    phaseCode,
    gradientImageCode(kind.isWide),
    gradientFilterCode(kind.isWide),
    gradientStoreCode(kind.isWide),
    product(kind, { a, b, setup, store: "storeGradient" }),
  ].join("\n");
}

const pixels = { outer: "pixelAt", next: "nextPixel" } as const;
const matrix: Operand = {
  ...{ contiguous: "other", outer: "matrixRow", next: "nextRow", inner: "plainAt", load: "matrixAt" },
};

function product(kind: ConvolutionKind, parts: Omit<Product, keyof ConvolutionKind>): string {
  return productCode({ ...kind, ...parts });
}

/** im2col of x: rows are pixels of y, columns are taps and channels. */
function imageCode(isWide: boolean): string {
  return `
    fn plainAt(index : i32) -> vec3<i32> { return vec3<i32>(index, 0, 0); }
    fn pixelAt(index : i32) -> vec3<i32> {
      let line = index / uniforms.outWidth;
      let image = line / uniforms.outHeight;
      let at = vec2<i32>(line - image * uniforms.outHeight, index - line * uniforms.outWidth);
      return vec3<i32>(image * uniforms.inHeight, at * uniforms.stride - vec2<i32>(uniforms.padTop, uniforms.padLeft));
    }
    fn nextPixel(pixel : vec3<i32>) -> vec3<i32> {
      var next = pixel + vec3<i32>(0, 0, uniforms.stride);
      if (next.z == uniforms.outWidth * uniforms.stride - uniforms.padLeft) {
        next = vec3<i32>(next.x, next.y + uniforms.stride, -uniforms.padLeft);
        if (next.y == uniforms.outHeight * uniforms.stride - uniforms.padTop) {
          next = vec3<i32>(next.x + uniforms.inHeight, -uniforms.padTop, next.z);
        }
      }
      return next;
    }
    fn tapAt(index : i32) -> vec3<i32> {
      let tap = index / uniforms.inChannels;
      let channel = select(-1, index - tap * uniforms.inChannels, index < uniforms.taps);
      let row = tap / uniforms.filterWidth;
      return vec3<i32>(vec2<i32>(row, tap - row * uniforms.filterWidth) * uniforms.dilation, channel);
    }
    fn cellAt(pixel : vec3<i32>, tap : vec3<i32>) -> i32 {
      let at = pixel.yz + tap.xy;
      let isInside = pixel.x < uniforms.batch * uniforms.inHeight && tap.z >= 0 && all(at >= vec2<i32>(0)) &&
        at.x < uniforms.inHeight && at.y < uniforms.inWidth;
      return select(-1, ((pixel.x + at.x) * uniforms.inWidth + at.y) * uniforms.inChannels + tap.z, isInside);
    }
    ${loadCode("imageAt", "x", isWide, "cellAt(outer, inner)")}`;
}

const nextRow = "fn nextRow(row : vec3<i32>) -> vec3<i32> { return row + vec3<i32>(1, 0, 0); }";

/** A matrix in memory, [rows, to]. */
function matrixCode(isWide: boolean, name: string, rows: string): string {
  const isInside = `outer.x < ${rows} && inner.x < uniforms.outChannels`;
  return `
    fn matrixRow(index : i32) -> vec3<i32> { return vec3<i32>(index, 0, 0); }
    ${nextRow}
    ${loadCode("matrixAt", name, isWide, `select(-1, outer.x * uniforms.outChannels + inner.x, ${isInside})`)}`;
}

/** `place`: index of a float, -1 outside. Without branches: outside, the first cell is read and not taken. */
function loadCode(name: string, from: string, isWide: boolean, place: string): string {
  const type = isWide ? "vec4<f32>" : "f32";
  return `
    fn ${name}(outer : vec3<i32>, inner : vec3<i32>) -> ${type} {
      let place = ${place};
      return select(${type}(0.0), ${from}[max(place, 0)${isWide ? " / 4" : ""}], place >= 0);
    }`;
}

/** `values` to `result` at `place`, as far as there are `columns`. */
function storeCode(isWide: boolean, columns: string): string {
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

/**
 * Pixels of x at stride x place + phase. Those of a phase meet taps first, first + stride, ...: at the i-th of them lies dy's
 * row place + offset - i.
 */
const phaseCode = `
    var<workgroup> groupSteps : i32;
    var<private> part : i32;
    var<private> phase : vec2<i32>;
    var<private> phaseSize : vec2<i32>;
    var<private> phaseTaps : vec2<i32>;
    var<private> firstTap : vec2<i32>;
    var<private> phaseOffset : vec2<i32>;
    fn choosePhase(index : i32) {
      let stride = vec2<i32>(uniforms.stride);
      phase = vec2<i32>(index / uniforms.stride, index % uniforms.stride);
      phaseSize = (vec2<i32>(uniforms.inHeight, uniforms.inWidth) - phase + stride - 1) / stride;
      let padded = phase + vec2<i32>(uniforms.padTop, uniforms.padLeft);
      firstTap = padded % stride;
      let filterSize = vec2<i32>(uniforms.filterHeight, uniforms.filterWidth);
      phaseTaps = max(vec2<i32>(0), (filterSize - firstTap + stride - 1) / stride);
      phaseOffset = (padded - firstTap) / stride;
    }`;

function gradientImageCode(isWide: boolean): string {
  return `
    fn placeAt(index : i32) -> vec3<i32> {
      let line = index / max(phaseSize.y, 1);
      let image = line / max(phaseSize.x, 1);
      let at = vec2<i32>(line - image * phaseSize.x, index - line * phaseSize.y) + phaseOffset;
      return vec3<i32>(image * uniforms.outHeight, at);
    }
    fn nextPlace(place : vec3<i32>) -> vec3<i32> {
      var next = place + vec3<i32>(0, 0, 1);
      if (next.z == phaseSize.y + phaseOffset.y) {
        next = vec3<i32>(next.x, next.y + 1, phaseOffset.y);
        if (next.y == phaseSize.x + phaseOffset.x) {
          next = vec3<i32>(next.x + uniforms.outHeight, phaseOffset.x, next.z);
        }
      }
      return next;
    }
    fn tapOf(index : i32) -> vec3<i32> {
      let tap = index / uniforms.outChannels;
      let row = tap / max(phaseTaps.y, 1);
      let channel = select(-1, index - tap * uniforms.outChannels, row < phaseTaps.x);
      return vec3<i32>(row, tap - row * phaseTaps.y, channel);
    }
    fn placeOf(pixel : vec3<i32>, tap : vec3<i32>) -> i32 {
      let at = pixel.yz - tap.xy;
      let isInside = pixel.x < uniforms.batch * uniforms.outHeight && tap.z >= 0 && all(at >= vec2<i32>(0)) &&
        at.x < uniforms.outHeight && at.y < uniforms.outWidth;
      return select(-1, ((pixel.x + at.x) * uniforms.outWidth + at.y) * uniforms.outChannels + tap.z, isInside);
    }
    ${loadCode("dyAt", "dy", isWide, "placeOf(outer, inner)")}`;
}

/** Filter [taps, from, to] by (channel of x, tap and channel of dy): neighbours of K lie side by side. */
function gradientFilterCode(isWide: boolean): string {
  const isInside = "outer.x < uniforms.inChannels && inner.x >= 0";
  return `
    fn filterRow(index : i32) -> vec3<i32> { return vec3<i32>(index, 0, 0); }
    ${nextRow}
    fn filterTap(index : i32) -> vec3<i32> { return vec3<i32>(tapBase(index), 0, 0); }
    fn tapBase(index : i32) -> i32 {
      let tap = tapOf(index);
      let at = firstTap + tap.xy * uniforms.stride;
      let base = (at.x * uniforms.filterWidth + at.y) * uniforms.inChannels * uniforms.outChannels + tap.z;
      return select(-1, base, tap.z >= 0);
    }
    ${loadCode("filterAt", "w", isWide, `select(-1, outer.x * uniforms.outChannels + inner.x, ${isInside})`)}`;
}

function gradientStoreCode(isWide: boolean): string {
  return `
    fn storeGradient(row : i32, column : i32, values : vec4<f32>) {
      let line = row / max(phaseSize.y, 1);
      let image = line / max(phaseSize.x, 1);
      if (image >= uniforms.batch || phaseSize.x * phaseSize.y == 0 || column >= uniforms.inChannels) { return; }
      let at = vec2<i32>(line - image * phaseSize.x, row - line * phaseSize.y) * uniforms.stride + phase;
      let pixel = ((part * uniforms.batch + image) * uniforms.inHeight + at.x) * uniforms.inWidth + at.y;
      let place = pixel * uniforms.inChannels + column;
      ${storeCode(isWide, "uniforms.inChannels")}
    }`;
}
