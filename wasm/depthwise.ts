/** Gradients of a depthwise convolution with one filter per channel: outChannels = channels, w [taps, channels]. */
import { firstOf, zero } from "./part";
import { endInside, firstInside, rowSeeing, rowSeen, Window } from "./window";

type Task = i32;
const toInput: Task = 0;
const toFilter: Task = 1;

/** dx = dy * w. A part: some of the input's rows. */
export function depthwiseInputPart(dx: usize, w: usize, dy: usize, g: Window, part: i32, parts: i32): void {
  const rows = g.batch * g.height;
  const end = firstOf(part + 1, parts, rows);
  for (let row = firstOf(part, parts, rows); row < end; row++) {
    const bytes = 4 * g.width * g.channels;
    zero(dx + row * bytes, bytes);
    // Downwards: output rows come in their order.
    for (let kh = g.filterHeight - 1; kh >= 0; kh--) {
      const seeing = rowSeeing(g, row % g.height, kh);
      if (seeing >= 0) tapsOfRow(toInput, dx, w, dy, g, row, (row / g.height) * g.outHeight + seeing, kh);
    }
  }
}

/** dw += x * dy, [batch, taps, channels]: a sum for each image. A part: some of the images. */
export function depthwiseFilterPart(x: usize, dw: usize, dy: usize, g: Window, part: i32, parts: i32): void {
  const end = firstOf(part + 1, parts, g.batch) * g.outHeight;
  for (let row = firstOf(part, parts, g.batch) * g.outHeight; row < end; row++) {
    const image = row / g.outHeight;
    const sum = dw + 4 * image * g.filterHeight * g.filterWidth * g.channels;
    for (let kh = 0; kh < g.filterHeight; kh++) {
      const source = rowSeen(g, row % g.outHeight, kh);
      if (source >= 0) tapsOfRow(toFilter, x, sum, dy, g, image * g.height + source, row, kh);
    }
  }
}

function tapsOfRow(task: Task, x: usize, w: usize, y: usize, g: Window, xRow: i32, yRow: i32, kh: i32): void {
  const cell = 4 * g.channels;
  for (let kw = 0; kw < g.filterWidth; kw++) {
    const offset = kw * g.dilationX - g.left;
    const column = firstInside(offset, g.strideX);
    const pixels = endInside(offset, g.strideX, g.width, g.outWidth) - column;
    if (pixels <= 0) continue;
    const xAt = x + (xRow * g.width + column * g.strideX + offset) * cell;
    const yAt = y + (yRow * g.outWidth + column) * cell;
    tap(task, xAt, cell * g.strideX, w + (kh * g.filterWidth + kw) * cell, yAt, cell, g.channels, pixels);
  }
}

function tap(task: Task, x: usize, xStep: usize, w: usize, y: usize, yStep: usize, channels: i32, pixels: i32): void {
  let c = 0;
  for (; c + 4 <= channels; c += 4) {
    if (task === toInput) addProducts(x + 4 * c, xStep, y + 4 * c, yStep, v128.load(w + 4 * c), pixels);
    else
      v128.store(w + 4 * c, f32x4.add(v128.load(w + 4 * c), sumProducts(x + 4 * c, xStep, y + 4 * c, yStep, pixels)));
  }
  for (; c < channels; c++) tapOfChannel(task, x + 4 * c, xStep, w + 4 * c, y + 4 * c, yStep, pixels);
}

function addProducts(to: usize, toStep: usize, from: usize, fromStep: usize, weight: v128, pixels: i32): void {
  for (let i = 0; i < pixels; i++) {
    v128.store(to, f32x4.add(v128.load(to), f32x4.mul(v128.load(from), weight)));
    to += toStep;
    from += fromStep;
  }
}

function sumProducts(x: usize, xStep: usize, y: usize, yStep: usize, pixels: i32): v128 {
  let sum = f32x4.splat(0);
  for (let i = 0; i < pixels; i++) {
    sum = f32x4.add(sum, f32x4.mul(v128.load(x), v128.load(y)));
    x += xStep;
    y += yStep;
  }
  return sum;
}

function tapOfChannel(task: Task, x: usize, xStep: usize, w: usize, y: usize, yStep: usize, pixels: i32): void {
  const weight = load<f32>(w);
  let sum: f32 = 0;
  for (let i = 0; i < pixels; i++) {
    if (task === toInput) store<f32>(x, load<f32>(x) + load<f32>(y) * weight);
    else sum += load<f32>(x) * load<f32>(y);
    x += xStep;
    y += yStep;
  }
  if (task === toFilter) store<f32>(w, weight + sum);
}
