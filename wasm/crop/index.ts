/**
 * Drawing a training crop: the float64 formula of worker/segmentation/augment.ts, two values at a time, so that every bit
 * is the same. Arguments are addresses and numbers; no allocation.
 */

/** A column of the crop: its two source pixels in an opened row, bytes, and what each of them weighs. */
@unmanaged
class Tap {
  left: i32;
  right: i32;
  leftShare: f64;
  rightShare: f64;
}

/** f64 [r, g, b, nothing]: a pixel of a source row. */
const openedBytes: i32 = 32;
/** f64 [r, g, b]: a pixel of a source row at the columns of the crop. */
const stretchedBytes: i32 = 24;
/** f32 [r, g, b] */
const litBytes: i32 = 12;
/** Pixels that are mixed at a time: what is behind the last of a row is written as well. */
const together: i32 = 4;

/** Room for what `draw` keeps of a row: its columns' taps, the row opened, two rows stretched. */
export function workBytes(imageSize: i32, size: i32): i32 {
  return imageSize * openedBytes + size * (offsetof<Tap>() as i32) + 2 * (size + together) * stretchedBytes;
}

/** Bytes behind the crop that are written: nobody may need them. */
export function spareBytes(): i32 {
  return together * litBytes;
}

/**
 * `source`: RGB, [imageSize, imageSize, 3], of which one byte behind the end is read. `x`, `y`, `side`: the crop in source pixels.
 * `out`: f32 [size, size, 3] in [-1, 1], and `spareBytes`. Columns first: a stretched source row serves all rows of the crop on
 * either side of it.
 */
export function draw(
  source: usize,
  imageSize: i32,
  work: usize,
  out: usize,
  size: i32,
  x: f64,
  y: f64,
  side: f64,
  mirrored: bool,
  gain: f64,
  red: f64,
  green: f64,
  blue: f64,
  grey: bool,
): void {
  const taps = work + imageSize * openedBytes;
  const lastTap = taps + (size - 1) * offsetof<Tap>();
  const even = taps + size * offsetof<Tap>();
  const odd = even + (size + together) * stretchedBytes;
  writeTaps(taps, x, side, imageSize, size, mirrored);
  const first = changetype<Tap>(mirrored ? lastTap : taps).left / openedBytes;
  const end = changetype<Tap>(mirrored ? taps : lastTap).right / openedBytes + 1;
  let stretched = -1;
  for (let i = 0; i < size; i++, out += size * litBytes) {
    const at = sourcePosition(y, side, imageSize, size, i);
    const top = i32(Math.floor(at));
    const bottom = min(imageSize - 1, top + 1);
    // Of the rows of the crop before, the last two are there still.
    for (let row = max(top, stretched + 1); row <= bottom; row++) {
      open(source + row * imageSize * 3, work, first, end);
      stretch(work, taps, row & 1 ? odd : even, size);
    }
    stretched = bottom;
    const upper = top & 1 ? odd : even;
    const lower = bottom & 1 ? odd : even;
    const share = at - (top as f64);
    if (grey) mixGrey(upper, lower, share, out, size, gain, red, green, blue);
    else mix(upper, lower, share, out, size, gain, red, green, blue);
  }
}

function writeTaps(taps: usize, x: f64, side: f64, imageSize: i32, size: i32, mirrored: bool): void {
  for (let i = 0; i < size; i++, taps += offsetof<Tap>()) {
    const at = sourcePosition(x, side, imageSize, size, mirrored ? size - 1 - i : i);
    const left = i32(Math.floor(at));
    const tap = changetype<Tap>(taps);
    tap.left = left * openedBytes;
    tap.right = min(imageSize - 1, left + 1) * openedBytes;
    tap.rightShare = at - (left as f64);
    tap.leftShare = 1 - tap.rightShare;
  }
}

/** Centre of output cell `i` in source pixels, clamped to the image. */
function sourcePosition(start: f64, side: f64, imageSize: i32, size: i32, i: i32): f64 {
  return min<f64>((imageSize - 1) as f64, max<f64>(0, start + (((i as f64) + 0.5) * side) / (size as f64) - 0.5));
}

/** Pixels `first` to `end` of a source row as numbers. */
function open(row: usize, opened: usize, first: i32, end: i32): void {
  const stop = row + 3 * end;
  row += 3 * first;
  opened += openedBytes * first;
  for (; row < stop; row += 3, opened += openedBytes) {
    const bytes = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(row)));
    v128.store(opened, f64x2.convert_low_i32x4_s(bytes));
    v128.store(opened, f64x2.convert_low_i32x4_s(i32x4.shuffle(bytes, bytes, 2, 3, 2, 3)), 16);
  }
}

/** An opened row at the columns of the crop. */
function stretch(opened: usize, taps: usize, out: usize, count: i32): void {
  const end = out + stretchedBytes * count;
  for (; out < end; out += stretchedBytes, taps += offsetof<Tap>()) {
    const tap = changetype<Tap>(taps);
    const left = opened + tap.left;
    const right = opened + tap.right;
    const u = f64x2.splat(tap.leftShare);
    const v = f64x2.splat(tap.rightShare);
    v128.store(out, mixed(v128.load(left), u, v128.load(right), v));
    v128.store64_lane(out, mixed(v128.load(left, 16), u, v128.load(right, 16), v), 0, 16);
  }
}

function mixed(a: v128, u: v128, b: v128, v: v128): v128 {
  return f64x2.add(f64x2.mul(a, u), f64x2.mul(b, v));
}

/** Two stretched rows to one of the crop in other light: f32 [count, 3]. `share`: weight of the second row. */
function mix(
  top: usize,
  bottom: usize,
  share: f64,
  out: usize,
  count: i32,
  gain: f64,
  red: f64,
  green: f64,
  blue: f64,
): void {
  const end = out + litBytes * count;
  const u = f64x2.splat(1 - share);
  const v = f64x2.splat(share);
  const times = f64x2.splat(gain);
  const redGreen = f64x2.replace_lane(f64x2.splat(red), 1, green);
  const blueRed = f64x2.replace_lane(f64x2.splat(blue), 1, red);
  const greenBlue = f64x2.replace_lane(f64x2.splat(green), 1, blue);
  for (; out < end; out += together * litBytes, top += together * stretchedBytes, bottom += together * stretchedBytes) {
    const a = lit(unit(top, bottom, u, v), times, redGreen);
    const b = lit(unit(top + 16, bottom + 16, u, v), times, blueRed);
    const c = lit(unit(top + 32, bottom + 32, u, v), times, greenBlue);
    const d = lit(unit(top + 48, bottom + 48, u, v), times, redGreen);
    const e = lit(unit(top + 64, bottom + 64, u, v), times, blueRed);
    const f = lit(unit(top + 80, bottom + 80, u, v), times, greenBlue);
    v128.store(out, joined(a, b));
    v128.store(out, joined(c, d), 16);
    v128.store(out, joined(e, f), 32);
  }
}

/** The same without colour. */
function mixGrey(
  top: usize,
  bottom: usize,
  share: f64,
  out: usize,
  count: i32,
  gain: f64,
  red: f64,
  green: f64,
  blue: f64,
): void {
  const end = out + litBytes * count;
  const u = f64x2.splat(1 - share);
  const v = f64x2.splat(share);
  const times = f64x2.splat(gain);
  const red2 = f64x2.splat(red);
  const green2 = f64x2.splat(green);
  const blue2 = f64x2.splat(blue);
  for (; out < end; out += 2 * litBytes, top += 2 * stretchedBytes, bottom += 2 * stretchedBytes) {
    const a = f64x2.promote_low_f32x4(unit(top, bottom, u, v));
    const b = f64x2.promote_low_f32x4(unit(top + 16, bottom + 16, u, v));
    const c = f64x2.promote_low_f32x4(unit(top + 32, bottom + 32, u, v));
    const reds = f64x2.mul(f64x2.splat(0.299), i64x2.shuffle(a, b, 0, 3));
    const greens = f64x2.mul(f64x2.splat(0.587), i64x2.shuffle(a, c, 1, 2));
    const blues = f64x2.mul(f64x2.splat(0.114), i64x2.shuffle(b, c, 0, 3));
    const luma = f32x4.demote_f64x2_zero(f64x2.add(f64x2.add(reds, greens), blues));
    // r0 r1 and g0 g1 to r0 g0 r1 g1, and so on.
    const r = lit(luma, times, red2);
    const g = lit(luma, times, green2);
    const bl = lit(luma, times, blue2);
    const rg = i32x4.shuffle(r, g, 0, 4, 1, 5);
    const low = i32x4.shuffle(rg, bl, 0, 1, 4, 2);
    const high = i32x4.shuffle(rg, bl, 3, 5, 3, 5);
    v128.store(out, clipped(low));
    v128.store64_lane(out, clipped(high), 0, 16);
  }
}

/** Two bytes' mixture to f32 in [-1, 1], in the lower half. */
function unit(top: usize, bottom: usize, u: v128, v: v128): v128 {
  const mixture = mixed(v128.load(top), u, v128.load(bottom), v);
  return f32x4.demote_f64x2_zero(f64x2.sub(f64x2.div(mixture, f64x2.splat(127.5)), f64x2.splat(1)));
}

/** In the lower half. */
function lit(x: v128, gain: v128, offset: v128): v128 {
  return f32x4.demote_f64x2_zero(f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(x), gain), offset));
}

/** The lower halves of both, clipped. */
function joined(low: v128, high: v128): v128 {
  return clipped(i64x2.shuffle(low, high, 0, 2));
}

/** Of numbers that have been rounded to f32 already: 1 and -1 are among those, so it is the same. */
function clipped(x: v128): v128 {
  return f32x4.pmin(f32x4.splat(1), f32x4.pmax(f32x4.splat(-1), x));
}
