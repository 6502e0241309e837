/**
 * Drawing a training crop: the float64 formula of worker/segmentation/augment.ts, two values at a time, so that every bit
 * is the same. Arguments are addresses; no allocation.
 */

/** A column of the crop: where its two source pixels begin in a row, and the weight of the second. */
@unmanaged
class Tap {
  left: i32;
  right: i32;
  rest: f64;
}

/** One source row at the columns of the crop: out f64 [count, 3]. Reads one byte behind the last pixel. */
export function stretch(source: usize, taps: usize, out: usize, count: i32): void {
  const end = out + 24 * (count as usize);
  for (; out < end; out += 24, taps += offsetof<Tap>()) {
    const tap = changetype<Tap>(taps);
    const v = f64x2.splat(tap.rest);
    const u = f64x2.splat(1 - tap.rest);
    const a = fourBytes(source + tap.left);
    const b = fourBytes(source + tap.right);
    v128.store(out, mixed(f64x2.convert_low_i32x4_s(a), u, f64x2.convert_low_i32x4_s(b), v));
    v128.store64_lane(out, mixed(thirdByte(a), u, thirdByte(b), v), 0, 16);
  }
}

function fourBytes(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

function thirdByte(x: v128): v128 {
  return f64x2.convert_low_i32x4_s(i32x4.shuffle(x, x, 2, 3, 2, 3));
}

function mixed(a: v128, u: v128, b: v128, v: v128): v128 {
  return f64x2.add(f64x2.mul(a, u), f64x2.mul(b, v));
}

/**
 * Two stretched rows to one of the crop in other light: f32 [count, 3] in [-1, 1]. Writes up to one pixel more when `count` is
 * odd. `v`: weight of the second row.
 */
export function mix(
  top: usize,
  bottom: usize,
  v: f64,
  out: usize,
  count: i32,
  gain: f64,
  red: f64,
  green: f64,
  blue: f64,
): void {
  const end = out + 12 * (count as usize);
  const u2 = f64x2.splat(1 - v);
  const v2 = f64x2.splat(v);
  const gain2 = f64x2.splat(gain);
  const redGreen = f64x2.replace_lane(f64x2.splat(red), 1, green);
  const blueRed = f64x2.replace_lane(f64x2.splat(blue), 1, red);
  const greenBlue = f64x2.replace_lane(f64x2.splat(green), 1, blue);
  for (; out < end; out += 24, top += 48, bottom += 48) {
    const a = lit(unit(top, bottom, u2, v2), gain2, redGreen);
    const b = lit(unit(top + 16, bottom + 16, u2, v2), gain2, blueRed);
    const c = lit(unit(top + 32, bottom + 32, u2, v2), gain2, greenBlue);
    v128.store(out, i32x4.shuffle(a, b, 0, 1, 4, 5));
    v128.store64_lane(out, c, 0, 16);
  }
}

/** The same without colour. */
export function mixGrey(
  top: usize,
  bottom: usize,
  v: f64,
  out: usize,
  count: i32,
  gain: f64,
  red: f64,
  green: f64,
  blue: f64,
): void {
  const end = out + 12 * (count as usize);
  const u2 = f64x2.splat(1 - v);
  const v2 = f64x2.splat(v);
  for (; out < end; out += 12, top += 24, bottom += 24) {
    const redGreen = f64x2.promote_low_f32x4(unit(top, bottom, u2, v2));
    const third = f64x2.promote_low_f32x4(unit(top + 16, bottom + 16, u2, v2));
    const luma =
      0.299 * f64x2.extract_lane(redGreen, 0) +
      0.587 * f64x2.extract_lane(redGreen, 1) +
      0.114 * f64x2.extract_lane(third, 0);
    const grey = (luma as f32 as f64) * gain;
    store<f32>(out, min<f64>(1, max<f64>(-1, grey + red)) as f32);
    store<f32>(out, min<f64>(1, max<f64>(-1, grey + green)) as f32, 4);
    store<f32>(out, min<f64>(1, max<f64>(-1, grey + blue)) as f32, 8);
  }
}

/** Two bytes' mixture to f32 in [-1, 1], in the lower half. */
function unit(top: usize, bottom: usize, u: v128, v: v128): v128 {
  const mixture = mixed(v128.load(top), u, v128.load(bottom), v);
  return f32x4.demote_f64x2_zero(f64x2.sub(f64x2.div(mixture, f64x2.splat(127.5)), f64x2.splat(1)));
}

function lit(x: v128, gain: v128, offset: v128): v128 {
  const value = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(x), gain), offset);
  return f32x4.demote_f64x2_zero(f64x2.pmin(f64x2.splat(1), f64x2.pmax(f64x2.splat(-1), value)));
}
