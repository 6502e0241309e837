/**
 * Convolution and its two gradients as products: for every output row and every tap of the filter, one matrix product of
 * the pixels that the tap sees. No copies of pixels (im2col), any stride and dilation.
 */
import { gemm } from "./gemm";
import { endInside, firstInside, Window } from "./window";

type Task = i32;
const forward: Task = 0;
const toInput: Task = 1;
const toFilter: Task = 2;

/** y += x * w; w [taps, channels, outChannels]. */
export function convolution(x: usize, w: usize, y: usize, window: usize): void {
  everyTap(forward, x, w, y, changetype<Window>(window));
}

/** dx += dy * w, transposed: [taps, outChannels, channels]. */
export function inputGradient(dx: usize, w: usize, dy: usize, window: usize): void {
  everyTap(toInput, dx, w, dy, changetype<Window>(window));
}

/** dw += transposed x * dy. */
export function filterGradient(x: usize, dw: usize, dy: usize, window: usize): void {
  everyTap(toFilter, x, dw, dy, changetype<Window>(window));
}

function everyTap(task: Task, x: usize, w: usize, y: usize, g: Window): void {
  if (g.filterHeight * g.filterWidth === 1 && g.strideY * g.strideX === 1) {
    // A pixel is a row, wherever it lies.
    tap(task, x, 4 * g.channels, w, y, g, g.batch * g.outHeight * g.outWidth);
    return;
  }
  for (let n = 0; n < g.batch; n++) {
    for (let row = 0; row < g.outHeight; row++) {
      for (let kh = 0; kh < g.filterHeight; kh++) {
        const source = row * g.strideY - g.top + kh * g.dilationY;
        if (source >= 0 && source < g.height)
          tapsOfRow(task, x, w, y, g, n * g.height + source, n * g.outHeight + row, kh);
      }
    }
  }
}

/** One row of the filter on one row of the output. */
function tapsOfRow(task: Task, x: usize, w: usize, y: usize, g: Window, xRow: i32, yRow: i32, kh: i32): void {
  for (let kw = 0; kw < g.filterWidth; kw++) {
    const offset = kw * g.dilationX - g.left;
    const from = firstInside(offset, g.strideX);
    const pixels = endInside(offset, g.strideX, g.width, g.outWidth) - from;
    if (pixels <= 0) continue;
    const xAt = x + 4 * ((xRow * g.width + from * g.strideX + offset) * g.channels);
    const yAt = y + 4 * ((yRow * g.outWidth + from) * g.outChannels);
    const wAt = w + 4 * ((kh * g.filterWidth + kw) * g.channels * g.outChannels);
    tap(task, xAt, 4 * g.channels * g.strideX, wAt, yAt, g, pixels);
  }
}

/** Longer sums would fall out of the cache, and lose digits. */
const pixelsPerPass: i32 = 256;

function tap(task: Task, x: usize, xStep: usize, w: usize, y: usize, g: Window, pixels: i32): void {
  const xCell: usize = 4 * g.channels;
  const yCell: usize = 4 * g.outChannels;
  if (task === forward) gemm(x, xStep, 4, w, yCell, y, yCell, pixels, g.outChannels, g.channels);
  else if (task === toInput) gemm(y, yCell, 4, w, xCell, x, xStep, pixels, g.channels, g.outChannels);
  else {
    for (; pixels > 0; pixels -= pixelsPerPass) {
      gemm(x, 4, xStep, y, yCell, w, yCell, g.channels, g.outChannels, min(pixelsPerPass, pixels));
      x += (pixelsPerPass as usize) * xStep;
      y += (pixelsPerPass as usize) * yCell;
    }
  }
}
