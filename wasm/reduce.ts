/** Sums along an axis, and what follows a convolution. */

import { firstOf, zero } from "./part";

/** Rows summed before they join the total: sums of a few hundred keep the digits that long ones lose. */
const rowsPerSum = 128;

/** factor * [outer, length, inner] -> [outer, inner]. A part: some of the results. */
export function sumMiddlePart(
  from: usize,
  to: usize,
  outer: i32,
  length: i32,
  inner: i32,
  factor: f32,
  part: i32,
  parts: i32,
): void {
  const first = firstOf(part, parts, outer * inner);
  const end = firstOf(part + 1, parts, outer * inner);
  if (first === end) return;
  zero(to + 4 * first, 4 * (end - first));
  for (let o = first / inner; o * inner < end; o++) {
    const left = max(first - o * inner, 0);
    const right = min(end - o * inner, inner);
    const sums = to + 4 * o * inner;
    for (let row = 0; row < length; row += rowsPerSum) {
      const rows = min(rowsPerSum, length - row);
      const at = from + 4 * (o * length + row) * inner;
      if (inner === 1) store<f32>(sums, load<f32>(sums) + sumRun(at, rows));
      else addRows(at, sums, rows, inner, left, right);
    }
    for (let i = left; i < right; i++) store<f32>(sums + 4 * i, factor * load<f32>(sums + 4 * i));
  }
}

function addRows(from: usize, to: usize, rows: i32, inner: i32, left: i32, right: i32): void {
  const step: usize = 4 * inner;
  let i = left;
  for (; i + 4 <= right; i += 4) {
    let sum = f32x4.splat(0);
    for (let r = 0, at = from + 4 * i; r < rows; r++, at += step) sum = f32x4.add(sum, v128.load(at));
    v128.store(to + 4 * i, f32x4.add(v128.load(to + 4 * i), sum));
  }
  for (; i < right; i++) {
    let sum: f32 = 0;
    for (let r = 0, at = from + 4 * i; r < rows; r++, at += step) sum += load<f32>(at);
    store<f32>(to + 4 * i, load<f32>(to + 4 * i) + sum);
  }
}

function sumRun(from: usize, count: i32): f32 {
  let sums = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= count; i += 4, from += 16) sums = f32x4.add(sums, v128.load(from));
  let sum = f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1);
  sum += f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
  for (; i < count; i++, from += 4) sum += load<f32>(from);
  return sum;
}

/** y = clip(y + bias, low, high), in place; bias [channels], or address 0 for none. A part: some of the cells. */
export function biasAndClipPart(
  y: usize,
  bias: usize,
  cells: i32,
  channels: i32,
  low: f32,
  high: f32,
  part: i32,
  parts: i32,
): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  const end = firstOf(part + 1, parts, cells);
  let cell = firstOf(part, parts, cells);
  y += 4 * cell * channels;
  for (; cell < end; cell++) {
    let c = 0;
    for (; c + 4 <= channels; c += 4, y += 16) {
      const shifted = bias === 0 ? v128.load(y) : f32x4.add(v128.load(y), v128.load(bias + 4 * c));
      v128.store(y, f32x4.min(f32x4.max(shifted, lows), highs));
    }
    for (; c < channels; c++, y += 4) {
      const shifted = bias === 0 ? load<f32>(y) : load<f32>(y) + load<f32>(bias + 4 * c);
      store<f32>(y, min(max(shifted, low), high));
    }
  }
}

/** -1, 0 (never -0) or 1; what is not a number stays so. A part: some of the values. */
export function signPart(x: usize, y: usize, count: i32, part: i32, parts: i32): void {
  const one = f32x4.splat(1);
  const minus = f32x4.splat(-1);
  const zeros = f32x4.splat(0);
  const end = firstOf(part + 1, parts, count);
  let i = firstOf(part, parts, count);
  for (; i + 4 <= end; i += 4) {
    const values = v128.load(x + 4 * i);
    const ofOthers = v128.bitselect(minus, f32x4.add(values, zeros), f32x4.lt(values, zeros));
    v128.store(y + 4 * i, v128.bitselect(one, ofOthers, f32x4.gt(values, zeros)));
  }
  for (; i < end; i++) {
    const value = load<f32>(x + 4 * i);
    store<f32>(y + 4 * i, value > 0 ? 1 : value < 0 ? -1 : value + 0);
  }
}

/** dx = dy where 0 < y < ceiling, else 0; ceiling 0: no ceiling. A part: some of the values. */
export function reluGradientPart(
  dy: usize,
  y: usize,
  dx: usize,
  count: i32,
  ceiling: f32,
  part: i32,
  parts: i32,
): void {
  const top: f32 = ceiling === 0 ? f32.POSITIVE_INFINITY : ceiling;
  const tops = f32x4.splat(top);
  const end = firstOf(part + 1, parts, count);
  let i = firstOf(part, parts, count);
  for (; i + 4 <= end; i += 4) {
    const value = v128.load(y + 4 * i);
    const passes = v128.and(f32x4.gt(value, f32x4.splat(0)), f32x4.lt(value, tops));
    v128.store(dx + 4 * i, v128.and(v128.load(dy + 4 * i), passes));
  }
  for (; i < end; i++) {
    const value = load<f32>(y + 4 * i);
    store<f32>(dx + 4 * i, value > 0 && value < top ? load<f32>(dy + 4 * i) : 0);
  }
}
