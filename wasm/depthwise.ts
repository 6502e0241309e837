/** Gradients of a depthwise convolution with one filter per channel: outChannels = channels, w [taps, channels]. */
import { endInside, firstInside, Window } from "./window";

type Task = i32;
const toInput: Task = 0;
const toFilter: Task = 1;

/** dx += dy * w. */
export function depthwiseInputGradient(dx: usize, w: usize, dy: usize, window: usize): void {
  everyTap(toInput, dx, w, dy, changetype<Window>(window));
}

/** dw += x * dy. */
export function depthwiseFilterGradient(x: usize, dw: usize, dy: usize, window: usize): void {
  everyTap(toFilter, x, dw, dy, changetype<Window>(window));
}

function everyTap(task: Task, x: usize, w: usize, y: usize, g: Window): void {
  const cell = 4 * g.channels;
  for (let n = 0; n < g.batch; n++) {
    for (let row = 0; row < g.outHeight; row++) {
      for (let kh = 0; kh < g.filterHeight; kh++) {
        const source = row * g.strideY - g.top + kh * g.dilationY;
        if (source < 0 || source >= g.height) continue;
        for (let kw = 0; kw < g.filterWidth; kw++) {
          const offset = kw * g.dilationX - g.left;
          const from = firstInside(offset, g.strideX);
          const pixels = endInside(offset, g.strideX, g.width, g.outWidth) - from;
          if (pixels <= 0) continue;
          const xAt = x + ((n * g.height + source) * g.width + from * g.strideX + offset) * cell;
          const yAt = y + ((n * g.outHeight + row) * g.outWidth + from) * cell;
          tap(task, xAt, cell * g.strideX, w + (kh * g.filterWidth + kw) * cell, yAt, cell, g.channels, pixels);
        }
      }
    }
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
