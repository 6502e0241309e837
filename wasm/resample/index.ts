/**
 * A photo in another size: weighted sums of its rows, then of their columns, in whole numbers, so that every machine has the same
 * bits. Arguments are addresses; no allocation.
 */

/** Of an output row or column: source rows or columns from `first` on, `taps` of them, weighted by i16 numbers whose sum is 2^14. */
const weightBytes: i32 = 2;
const firstBytes: i32 = 4;
/** RGB of a pixel between the passes: i16, 2^6 times a byte. */
const pixelBytes: i32 = 6;
/** From 2^14 times a byte to 2^6, and from 2^20. */
const rowShift: i32 = 8;
const columnShift: i32 = 20;

/**
 * `source`: RGB, u8, rows of `rowBytes`, and behind them what `taps` rows and a vector take, whatever it is. `out`: RGB, u8, [rows,
 * columns, 3], and a byte. `firsts`: i32; `weights`: i16 [rows or columns, taps], taps a multiple of four. `work`: a row between the
 * passes, and behind it what `taps` pixels and two vectors take.
 */
export function resample(
  source: usize,
  rowBytes: i32,
  rowFirsts: usize,
  rowWeights: usize,
  rowTaps: i32,
  rows: i32,
  columnFirsts: usize,
  columnWeights: usize,
  columnTaps: i32,
  columns: i32,
  work: usize,
  out: usize,
): void {
  for (let row = 0; row < rows; row++, out += 3 * columns) {
    const first = source + load<i32>(rowFirsts + row * firstBytes) * rowBytes;
    mixRows(first, rowBytes, rowWeights + row * rowTaps * weightBytes, rowTaps, work);
    mixColumns(work, columnFirsts, columnWeights, columnTaps, columns, out);
  }
}

/** Sixteen bytes at a time of a row of output, four rows of source at a time. */
function mixRows(source: usize, rowBytes: i32, weights: usize, taps: i32, work: usize): void {
  const end = source + rowBytes;
  const stop = weights + taps * weightBytes;
  for (; source < end; source += 16, work += 32) {
    const half = i32x4.splat(1 << (rowShift - 1));
    let a = half;
    let b = half;
    let c = half;
    let d = half;
    let row = source;
    for (let at = weights; at < stop; at += 4 * weightBytes, row += 4 * rowBytes) {
      const first = v128.load32_splat(at);
      const second = v128.load32_splat(at, 2 * weightBytes);
      const upper = v128.load(row);
      const lower = v128.load(row + rowBytes);
      const next = v128.load(row + 2 * rowBytes);
      const last = v128.load(row + 3 * rowBytes);
      a = i32x4.add(a, mixed(lowPairs(upper, lower), first, lowPairs(next, last), second, false));
      b = i32x4.add(b, mixed(lowPairs(upper, lower), first, lowPairs(next, last), second, true));
      c = i32x4.add(c, mixed(highPairs(upper, lower), first, highPairs(next, last), second, false));
      d = i32x4.add(d, mixed(highPairs(upper, lower), first, highPairs(next, last), second, true));
    }
    v128.store(work, i16x8.narrow_i32x4_s(i32x4.shr_s(a, rowShift), i32x4.shr_s(b, rowShift)));
    v128.store(work, i16x8.narrow_i32x4_s(i32x4.shr_s(c, rowShift), i32x4.shr_s(d, rowShift)), 16);
  }
}

/** Bytes of two rows in turns. */
function lowPairs(upper: v128, lower: v128): v128 {
  return i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

function highPairs(upper: v128, lower: v128): v128 {
  return i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Four sums of four products, of the lower or the higher half of pairs. */
function mixed(pairs: v128, weights: v128, others: v128, theirs: v128, isHigh: bool): v128 {
  const one = isHigh ? i16x8.extend_high_i8x16_u(pairs) : i16x8.extend_low_i8x16_u(pairs);
  const two = isHigh ? i16x8.extend_high_i8x16_u(others) : i16x8.extend_low_i8x16_u(others);
  return i32x4.add(i32x4.dot_i16x8_s(one, weights), i32x4.dot_i16x8_s(two, theirs));
}

/** A pixel of output at a time, four of the row at a time. */
function mixColumns(row: usize, firsts: usize, weights: usize, taps: i32, columns: i32, out: usize): void {
  const end = out + 3 * columns;
  for (; out < end; out += 3, firsts += firstBytes) {
    let sum = i32x4.splat(1 << (columnShift - 1));
    let pixel = row + load<i32>(firsts) * pixelBytes;
    const stop = weights + taps * weightBytes;
    for (; weights < stop; weights += 4 * weightBytes, pixel += 4 * pixelBytes) {
      const two = channelPairs(v128.load(pixel));
      const more = channelPairs(v128.load(pixel, 2 * pixelBytes));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(two, v128.load32_splat(weights)));
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(more, v128.load32_splat(weights, 2 * weightBytes)));
    }
    const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, columnShift), sum);
    v128.store32_lane(out, i8x16.narrow_i16x8_u(words, words), 0);
  }
}

/** Of two pixels: both reds, both greens, both blues. */
function channelPairs(pixels: v128): v128 {
  return i16x8.shuffle(pixels, pixels, 0, 3, 1, 4, 2, 5, 6, 7);
}
