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
 * `source`: RGB, u8, rows of `rowBytes`, and behind them what `taps` rows and a vector take, whatever it is. `out`: RGB, u8, [rows, columns, 3],
 * and a byte. `firsts`: i32; `weights`: i16 [rows or columns, taps], taps even. `work`: a row between the passes, and the same behind it.
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

/** Sixteen bytes at a time of a row of output, two rows of source at a time. */
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
    for (let at = weights; at < stop; at += 2 * weightBytes, row += 2 * rowBytes) {
      const pair = v128.load32_splat(at);
      const upper = v128.load(row);
      const lower = v128.load(row + rowBytes);
      const low = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      const high = i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(low), pair));
      b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(low), pair));
      c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(high), pair));
      d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(high), pair));
    }
    v128.store(work, i16x8.narrow_i32x4_s(i32x4.shr_s(a, rowShift), i32x4.shr_s(b, rowShift)));
    v128.store(work, i16x8.narrow_i32x4_s(i32x4.shr_s(c, rowShift), i32x4.shr_s(d, rowShift)), 16);
  }
}

/** A pixel of output at a time, two of the row at a time. */
function mixColumns(row: usize, firsts: usize, weights: usize, taps: i32, columns: i32, out: usize): void {
  const end = out + 3 * columns;
  for (; out < end; out += 3, firsts += firstBytes) {
    let sum = i32x4.splat(1 << (columnShift - 1));
    let pixel = row + load<i32>(firsts) * pixelBytes;
    const stop = weights + taps * weightBytes;
    for (; weights < stop; weights += 2 * weightBytes, pixel += 2 * pixelBytes) {
      const two = v128.load(pixel);
      const paired = i16x8.shuffle(two, two, 0, 3, 1, 4, 2, 5, 6, 7);
      sum = i32x4.add(sum, i32x4.dot_i16x8_s(paired, v128.load32_splat(weights)));
    }
    const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, columnShift), sum);
    v128.store32_lane(out, i8x16.narrow_i16x8_u(words, words), 0);
  }
}
