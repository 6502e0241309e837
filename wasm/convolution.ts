/**
 * Convolution and its two gradients as products: for every output row and every tap of the filter, one matrix product of
 * the pixels that the tap sees. No copies of pixels (im2col), any stride and dilation. Parts write different values, each of them
 * in one order, so that it does not matter how many there are, nor who does which.
 */
import { gemm } from "./gemm";
import { firstOf, zero } from "./part";
import { endInside, firstInside, rowSeeing, rowSeen, Window } from "./window";

type Task = i32;
const forward: Task = 0;
const toInput: Task = 1;
const toFilter: Task = 2;

/** y = x * w; w [taps, channels, outChannels]. A part: some of the output's rows. */
export function convolutionPart(x: usize, w: usize, y: usize, g: Window, part: i32, parts: i32): void {
  if (seesOnePixel(g)) {
    pixels(forward, x, w, y, g, part, parts);
    return;
  }
  const rows = g.batch * g.outHeight;
  const end = firstOf(part + 1, parts, rows);
  for (let row = firstOf(part, parts, rows); row < end; row++) {
    const bytes = 4 * g.outWidth * g.outChannels;
    zero(y + row * bytes, bytes);
    for (let kh = 0; kh < g.filterHeight; kh++) {
      const source = rowSeen(g, row % g.outHeight, kh);
      if (source >= 0)
        tapsOfRow(forward, x, w, y, g, (row / g.outHeight) * g.height + source, row, kh, 0, g.outChannels);
    }
  }
}

/** dx = dy * w, transposed: [taps, outChannels, channels]. A part: some of the input's rows. */
export function inputGradientPart(dx: usize, w: usize, dy: usize, g: Window, part: i32, parts: i32): void {
  if (seesOnePixel(g)) {
    pixels(toInput, dx, w, dy, g, part, parts);
    return;
  }
  const rows = g.batch * g.height;
  const end = firstOf(part + 1, parts, rows);
  for (let row = firstOf(part, parts, rows); row < end; row++) {
    const bytes = 4 * g.width * g.channels;
    zero(dx + row * bytes, bytes);
    // Downwards: output rows come in their order.
    for (let kh = g.filterHeight - 1; kh >= 0; kh--) {
      const seeing = rowSeeing(g, row % g.height, kh);
      if (seeing >= 0)
        tapsOfRow(toInput, dx, w, dy, g, row, (row / g.height) * g.outHeight + seeing, kh, 0, g.outChannels);
    }
  }
}

/** Output channels that a product takes at a time. */
const block = 8;

/** What parts of a filter's gradient are made of: blocks of output channels in a row of the filter. */
export function filterUnits(g: Window): i32 {
  return g.filterHeight * blocksOf(g);
}

function blocksOf(g: Window): i32 {
  return (g.outChannels + block - 1) / block;
}

/**
 * dw += transposed x * dy, [groups, taps, channels, outChannels]: a sum for each of `groups` groups of images, so that threads need
 * not read the same pixels. A part: some units of some groups.
 */
export function filterGradientPart(
  x: usize,
  dw: usize,
  dy: usize,
  g: Window,
  groups: i32,
  part: i32,
  parts: i32,
): void {
  const blocks = blocksOf(g);
  const units = groups * filterUnits(g);
  const end = ((part + 1) * units) / parts;
  for (let unit = (part * units) / parts; unit < end; ) {
    // Filter rows of all groups, one after the other.
    const row = unit / blocks;
    const next = min(end, (row + 1) * blocks);
    const from = (unit - row * blocks) * block;
    const to = min((next - row * blocks) * block, g.outChannels);
    filterRow(x, dw, dy, g, groups, row, from, to);
    unit = next;
  }
}

function filterRow(x: usize, dw: usize, dy: usize, g: Window, groups: i32, filterRow: i32, from: i32, to: i32): void {
  const group = filterRow / g.filterHeight;
  const kh = filterRow % g.filterHeight;
  const sum = dw + 4 * group * g.filterHeight * g.filterWidth * g.channels * g.outChannels;
  const rows = (g.batch / groups) * g.outHeight;
  if (seesOnePixel(g)) {
    const first = group * rows * g.outWidth;
    const xAt = x + 4 * first * g.channels;
    const yAt = dy + 4 * (first * g.outChannels + from);
    tap(toFilter, xAt, 4 * g.channels, sum + 4 * from, yAt, g, rows * g.outWidth, to - from);
    return;
  }
  for (let row = group * rows; row < (group + 1) * rows; row++) {
    const source = rowSeen(g, row % g.outHeight, kh);
    if (source >= 0) tapsOfRow(toFilter, x, sum, dy, g, (row / g.outHeight) * g.height + source, row, kh, from, to);
  }
}

/** A pixel is a row of the product then, wherever it lies. */
function seesOnePixel(g: Window): bool {
  return g.filterHeight * g.filterWidth === 1 && g.strideY * g.strideX === 1;
}

function pixelsOf(g: Window): i32 {
  return g.batch * g.outHeight * g.outWidth;
}

function pixels(task: Task, x: usize, w: usize, y: usize, g: Window, part: i32, parts: i32): void {
  const first = firstOf(part, parts, pixelsOf(g));
  const count = firstOf(part + 1, parts, pixelsOf(g)) - first;
  const xAt = x + 4 * first * g.channels;
  const yAt = y + 4 * first * g.outChannels;
  if (task === forward) zero(yAt, 4 * count * g.outChannels);
  else zero(xAt, 4 * count * g.channels);
  tap(task, xAt, 4 * g.channels, w, yAt, g, count, g.outChannels);
}

/** One row of the filter on one row of the output; of the filter's gradient, the output channels [from, to). */
function tapsOfRow(
  task: Task,
  x: usize,
  w: usize,
  y: usize,
  g: Window,
  xRow: i32,
  yRow: i32,
  kh: i32,
  from: i32,
  to: i32,
): void {
  for (let kw = 0; kw < g.filterWidth; kw++) {
    const offset = kw * g.dilationX - g.left;
    const column = firstInside(offset, g.strideX);
    const pixels = endInside(offset, g.strideX, g.width, g.outWidth) - column;
    if (pixels <= 0) continue;
    const xAt = x + 4 * ((xRow * g.width + column * g.strideX + offset) * g.channels);
    const yAt = y + 4 * ((yRow * g.outWidth + column) * g.outChannels + from);
    const wAt = w + 4 * ((kh * g.filterWidth + kw) * g.channels * g.outChannels + from);
    tap(task, xAt, 4 * g.channels * g.strideX, wAt, yAt, g, pixels, to - from);
  }
}

/** Longer sums would fall out of the cache, and lose digits. */
const pixelsPerPass: i32 = 256;

function tap(task: Task, x: usize, xStep: usize, w: usize, y: usize, g: Window, pixels: i32, columns: i32): void {
  const xCell: usize = 4 * g.channels;
  const yCell: usize = 4 * g.outChannels;
  if (task === forward) gemm(x, xStep, 4, w, yCell, y, yCell, pixels, g.outChannels, g.channels);
  else if (task === toInput) gemm(y, yCell, 4, w, xCell, x, xStep, pixels, g.channels, g.outChannels);
  else {
    for (; pixels > 0; pixels -= pixelsPerPass) {
      gemm(x, 4, xStep, y, yCell, w, yCell, g.channels, columns, min(pixelsPerPass, pixels));
      x += (pixelsPerPass as usize) * xStep;
      y += (pixelsPerPass as usize) * yCell;
    }
  }
}
