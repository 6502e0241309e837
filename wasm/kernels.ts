/** The kernels by number: what a call writes down for all threads, and what a thread does for one part of it. */
import { convolutionPart, filterGradientPart, filterUnits, inputGradientPart } from "./convolution";
import { depthwiseFilterPart, depthwiseInputPart } from "./depthwise";
import { gemm as product, transposePart } from "./gemm";
import { firstOf } from "./part";
import { maxPoolPart, meanPoolPart } from "./pooling";
import { biasAndClipPart, reluGradientPart, signPart, sumMiddlePart } from "./reduce";
import { Job, job, share } from "./team";
import { Window } from "./window";

const ofGemm = 0;
const ofTranspose = 1;
const ofConvolution = 2;
const ofInputGradient = 3;
const ofFilterGradient = 4;
const ofDepthwiseInput = 5;
const ofDepthwiseFilter = 6;
const ofMaxPool = 7;
const ofMeanPool = 8;
const ofSumMiddle = 9;
const ofBiasAndClip = 10;
const ofSign = 11;
const ofReluGradient = 12;

/** Floating-point operations that take as long as reading and writing a value, about. */
const perValue: f64 = 16;

export function doPart(j: Job, kernel: i32, part: i32, parts: i32): void {
  const w = changetype<Window>(j.d);
  switch (kernel) {
    case ofGemm:
      gemmPart(j, part, parts);
      break;
    case ofTranspose:
      transposePart(j.a, j.b, j.m, j.n, j.k, part, parts);
      break;
    case ofConvolution:
      convolutionPart(j.a, j.b, j.c, w, part, parts);
      break;
    case ofInputGradient:
      inputGradientPart(j.a, j.b, j.c, w, part, parts);
      break;
    case ofFilterGradient:
      filterGradientPart(j.a, j.b, j.c, w, j.m, part, parts);
      break;
    case ofDepthwiseInput:
      depthwiseInputPart(j.a, j.b, j.c, w, part, parts);
      break;
    case ofDepthwiseFilter:
      depthwiseFilterPart(j.a, j.b, j.c, w, part, parts);
      break;
    case ofMaxPool:
      maxPoolPart(j.a, j.b, j.c, w, part, parts);
      break;
    case ofMeanPool:
      meanPoolPart(j.b, j.c, w, part, parts);
      break;
    case ofSumMiddle:
      sumMiddlePart(j.a, j.b, j.m, j.n, j.k, j.low, part, parts);
      break;
    case ofBiasAndClip:
      biasAndClipPart(j.a, j.b, j.m, j.n, j.low, j.high, part, parts);
      break;
    case ofSign:
      signPart(j.a, j.b, j.m, part, parts);
      break;
    case ofReluGradient:
      reluGradientPart(j.a, j.b, j.c, j.m, j.low, part, parts);
      break;
    default:
      unreachable();
  }
}

/** Some rows of C. */
function gemmPart(j: Job, part: i32, parts: i32): void {
  const first = firstOf(part, parts, j.m);
  const rows = firstOf(part + 1, parts, j.m) - first;
  product(j.a + (first as usize) * j.b, j.b, j.c, j.d, j.e, j.f + (first as usize) * j.g, j.g, rows, j.n, j.k);
}

/** What most calls are of: three addresses and three counts. */
function write(a: usize, b: usize, c: usize, m: i32, n: i32, k: i32): Job {
  const j = job();
  j.a = a;
  j.b = b;
  j.c = c;
  j.m = m;
  j.n = n;
  j.k = k;
  return j;
}

/** C += A * B (gemm.ts). */
export function gemm(
  a: usize,
  aRow: usize,
  aColumn: usize,
  b: usize,
  bRow: usize,
  c: usize,
  cRow: usize,
  m: i32,
  n: i32,
  k: i32,
): void {
  const j = write(a, aRow, aColumn, m, n, k);
  j.d = b;
  j.e = bRow;
  j.f = c;
  j.g = cRow;
  share(ofGemm, m, 2.0 * m * n * k);
}

/** [count, rows, columns] -> [count, columns, rows]. */
export function transposeEach(from: usize, to: usize, count: i32, rows: i32, columns: i32): void {
  write(from, to, 0, count, rows, columns);
  share(ofTranspose, count * rows, perValue * count * rows * columns);
}

/** y = x * w; w [taps, channels, outChannels]. */
export function convolution(x: usize, w: usize, y: usize, window: usize): void {
  const g = changetype<Window>(window);
  windowed(ofConvolution, x, w, y, window, g.batch * g.outHeight, workOf(g) * g.channels);
}

/** dx = dy * w, transposed: [taps, outChannels, channels]. */
export function inputGradient(dx: usize, w: usize, dy: usize, window: usize): void {
  const g = changetype<Window>(window);
  windowed(ofInputGradient, dx, w, dy, window, g.batch * g.height, workOf(g) * g.channels);
}

/** dw += transposed x * dy, [groups, taps, channels, outChannels]: a sum for each group of images; `groups` divides the batch. */
export function filterGradient(x: usize, dw: usize, dy: usize, window: usize, groups: i32): void {
  const g = changetype<Window>(window);
  windowed(ofFilterGradient, x, dw, dy, window, groups * filterUnits(g), workOf(g) * g.channels, groups);
}

/** dx = dy * w, of a depthwise convolution. */
export function depthwiseInputGradient(dx: usize, w: usize, dy: usize, window: usize): void {
  const g = changetype<Window>(window);
  windowed(ofDepthwiseInput, dx, w, dy, window, g.batch * g.height, workOf(g));
}

/** dw += x * dy, of a depthwise convolution, [batch, taps, channels]: a sum for each image. */
export function depthwiseFilterGradient(x: usize, dw: usize, dy: usize, window: usize): void {
  const g = changetype<Window>(window);
  windowed(ofDepthwiseFilter, x, dw, dy, window, g.batch, workOf(g));
}

/** dx = dy where the largest of the window was; of equals the first. */
export function maxPoolGradient(x: usize, dx: usize, dy: usize, window: usize): void {
  const g = changetype<Window>(window);
  windowed(ofMaxPool, x, dx, dy, window, g.batch, workOf(g));
}

/** dx = dy, in equal shares among the cells of the window that lie inside. */
export function meanPoolGradient(dx: usize, dy: usize, window: usize): void {
  const g = changetype<Window>(window);
  windowed(ofMeanPool, 0, dx, dy, window, g.batch, workOf(g));
}

/** Products and sums for each input channel. */
function workOf(g: Window): f64 {
  return 2.0 * g.batch * g.outHeight * g.outWidth * g.outChannels * (g.filterHeight * g.filterWidth);
}

function windowed(
  kernel: i32,
  x: usize,
  w: usize,
  y: usize,
  window: usize,
  units: i32,
  work: f64,
  groups: i32 = 1,
): void {
  write(x, w, y, groups, 0, 0).d = window;
  share(kernel, units, work);
}

/** factor * [outer, length, inner] -> [outer, inner]. */
export function sumMiddle(from: usize, to: usize, outer: i32, length: i32, inner: i32, factor: f32): void {
  write(from, to, 0, outer, length, inner).low = factor;
  share(ofSumMiddle, inner === 1 ? outer : (outer * inner) / 4, perValue * outer * length * inner);
}

/** y = clip(y + bias, low, high), in place; bias [channels], or address 0 for none. */
export function biasAndClip(y: usize, bias: usize, cells: i32, channels: i32, low: f32, high: f32): void {
  const j = write(y, bias, 0, cells, channels, 0);
  j.low = low;
  j.high = high;
  share(ofBiasAndClip, cells, perValue * cells * channels);
}

/** -1, 0 or 1; what is not a number stays so. */
export function sign(x: usize, y: usize, count: i32): void {
  write(x, y, 0, count, 0, 0);
  share(ofSign, count, perValue * count);
}

/** dx = dy where 0 < y < ceiling, else 0; ceiling 0: no ceiling. */
export function reluGradient(dy: usize, y: usize, dx: usize, count: i32, ceiling: f32): void {
  write(dy, y, dx, count, 0, 0).low = ceiling;
  share(ofReluGradient, count, perValue * count);
}
