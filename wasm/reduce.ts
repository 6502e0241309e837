/** Sums along an axis, and what follows a convolution. */

/** Rows summed before they join the total: sums of a few hundred keep the digits that long ones lose. */
const rowsPerSum = 128;

/** factor * [outer, length, inner] -> [outer, inner]; `to` holds zeros. */
export function sumMiddle(from: usize, to: usize, outer: i32, length: i32, inner: i32, factor: f32): void {
  for (let o = 0; o < outer; o++) {
    for (let row = 0; row < length; row += rowsPerSum) {
      const rows = min(rowsPerSum, length - row);
      if (inner === 1) store<f32>(to, load<f32>(to) + sumRun(from, rows));
      else addRows(from, to, rows, inner);
      from += 4 * rows * inner;
    }
    for (let i = 0; i < inner; i++, to += 4) store<f32>(to, factor * load<f32>(to));
  }
}

function addRows(from: usize, to: usize, rows: i32, inner: i32): void {
  const step: usize = 4 * inner;
  let i = 0;
  for (; i + 4 <= inner; i += 4) {
    let sum = f32x4.splat(0);
    for (let r = 0, at = from + 4 * i; r < rows; r++, at += step) sum = f32x4.add(sum, v128.load(at));
    v128.store(to + 4 * i, f32x4.add(v128.load(to + 4 * i), sum));
  }
  for (; i < inner; i++) {
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

/** y = clip(y + bias, low, high), in place; bias [channels], or address 0 for none. */
export function biasAndClip(y: usize, bias: usize, cells: i32, channels: i32, low: f32, high: f32): void {
  const lows = f32x4.splat(low);
  const highs = f32x4.splat(high);
  for (let cell = 0; cell < cells; cell++) {
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
