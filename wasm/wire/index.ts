/**
 * Rounding and writing what travels (shared/math/rounding.ts, wire.ts): vector instructions where four or eight numbers
 * are in hand, the same arithmetic for the rest. Arguments are addresses; `count` is of numbers; no allocation.
 */

const infinity: i32 = 0x7f800000;
const quiet: i32 = 0x7fc00000;
const blockFloats = 32;
const notFiniteScale: i32 = 255;

/** shared/math/rounding.ts has its source. */
function hashOf(index: i32, key: i32): i32 {
  let x = index ^ key;
  x = (x ^ (x >>> 16)) * 0x21f0aaad;
  x = (x ^ (x >>> 15)) * 0x735a2d97;
  return x ^ (x >>> 15);
}

function hashesOf(indices: v128, key: v128): v128 {
  let x = v128.xor(indices, key);
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x21f0aaad));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(0x735a2d97));
  return v128.xor(x, i32x4.shr_u(x, 15));
}

/** To bf16, in place; `first` is even. Two numbers share a draw: 16 bits each. */
export function roundHalves(at: usize, count: i32, first: i32, key: i32): void {
  const keys = i32x4.splat(key);
  let draws = i32x4.add(i32x4.splat(first >> 1), i32x4(0, 1, 2, 3));
  let i = 0;
  for (; i + 16 <= count; i += 16, at += 64) {
    const early = hashesOf(draws, keys);
    const late = hashesOf(i32x4.add(draws, i32x4.splat(4)), keys);
    draws = i32x4.add(draws, i32x4.splat(8));
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    if (v128.any_true(v128.or(v128.or(areOdd(a), areOdd(b)), v128.or(areOdd(c), areOdd(d))))) {
      for (let k = 0; k < 16; k++) roundOne(at + 4 * (k as usize), first + i + k, key);
      continue;
    }
    v128.store(at, roundedHalves(a, i32x4.extend_low_i16x8_u(early)));
    v128.store(at, roundedHalves(b, i32x4.extend_high_i16x8_u(early)), 16);
    v128.store(at, roundedHalves(c, i32x4.extend_low_i16x8_u(late)), 32);
    v128.store(at, roundedHalves(d, i32x4.extend_high_i16x8_u(late)), 48);
  }
  for (; i < count; i++, at += 4) roundOne(at, first + i, key);
}

/** Infinite, or no number. */
function areOdd(bits: v128): v128 {
  return i32x4.eq(v128.and(bits, i32x4.splat(infinity)), i32x4.splat(infinity));
}

function roundedHalves(bits: v128, draws: v128): v128 {
  return v128.and(i32x4.add(bits, draws), i32x4.splat(0xffff0000));
}

function roundOne(at: usize, index: i32, key: i32): void {
  const bits = hashOf(index >> 1, key);
  store<i32>(at, roundedHalf(load<i32>(at), (index & 1) === 0 ? bits & 0xffff : bits >>> 16));
}

function roundedHalf(bits: i32, draw: i32): i32 {
  if ((bits & infinity) !== infinity) return (bits + draw) & 0xffff0000;
  return (bits & 0x7fffff) === 0 ? bits : quiet;
}

/** f32 to the upper half of each. */
export function packHalves(from: usize, count: i32, to: usize): void {
  let i = 0;
  for (; i + 8 <= count; i += 8, from += 32, to += 16) {
    v128.store(
      to,
      i8x16.shuffle(v128.load(from), v128.load(from, 16), 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31),
    );
  }
  for (; i < count; i++, from += 4, to += 2) store<u16>(to, load<u16>(from, 2));
}

export function unpackHalves(from: usize, count: i32, to: usize): void {
  let i = 0;
  for (; i + 8 <= count; i += 8, from += 16, to += 32) {
    const halves = v128.load(from);
    v128.store(to, i32x4.shl(i32x4.extend_low_i16x8_u(halves), 16));
    v128.store(to, i32x4.shl(i32x4.extend_high_i16x8_u(halves), 16), 16);
  }
  for (; i < count; i++, from += 2, to += 4) store<i32>(to, (load<u16>(from) as i32) << 16);
}

/** The byte of the smallest scale at which no number of the block is more than 127. */
function scaleOf(at: usize, count: i32): i32 {
  let largest: i32 = 0;
  let i = 0;
  let most = i32x4.splat(0);
  for (; i + 4 <= count; i += 4, at += 16) most = i32x4.max_u(most, v128.and(v128.load(at), i32x4.splat(0x7fffffff)));
  most = i32x4.max_u(most, i8x16.shuffle(most, most, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  largest = max(i32x4.extract_lane(most, 0), i32x4.extract_lane(most, 1));
  for (; i < count; i++, at += 4) largest = max(largest, load<i32>(at) & 0x7fffffff);
  if (largest >= infinity) return notFiniteScale;
  // Of 1.m x 2^k as an integer of 7 bits, 64 to 127, the last one stands for 2^(k - 6); above 127 / 64 it is one too few.
  return max(0, (largest >>> 23) - 6 + ((largest & 0x7fffff) > 0x7e0000 ? 1 : 0));
}

/** 2^(scale - 127). */
function scaleValue(scale: i32): f32 {
  return scale === 0 ? reinterpret<f32>(0x00400000) : reinterpret<f32>(scale << 23);
}

/** To multiples of each block's scale, in place. One number that is not finite makes its block so. */
export function roundBlocks(at: usize, count: i32, first: i32, key: i32): void {
  for (let begin = 0; begin < count; begin += blockFloats) {
    const size = min(blockFloats, count - begin);
    const scale = scaleOf(at, size);
    if (scale === notFiniteScale) {
      for (let i = 0; i < size; i++) store<i32>(at + 4 * (i as usize), quiet);
    } else roundBlock(at, size, first + begin, key, scaleValue(scale), scaleValue(254 - scale));
    at += 4 * (size as usize);
  }
}

/** floor(x / step + u) x step, u uniform in [0, 1), in f64, where nothing of it is lost. */
function roundBlock(at: usize, count: i32, first: i32, key: i32, step: f64, inverse: f64): void {
  const keys = i32x4.splat(key);
  const inverses = f64x2.splat(inverse);
  const steps = f64x2.splat(step);
  let i = 0;
  for (; i + 4 <= count; i += 4, at += 16) {
    const draws = hashesOf(i32x4.add(i32x4.splat(first + i), i32x4(0, 1, 2, 3)), keys);
    const x = v128.load(at);
    const low = rounded(x, draws, inverses, steps);
    const high = rounded(upper(x), upper(draws), inverses, steps);
    v128.store64_lane(at, f32x4.demote_f64x2_zero(low), 0);
    v128.store64_lane(at, f32x4.demote_f64x2_zero(high), 0, 8);
  }
  for (; i < count; i++, at += 4) {
    const uniform = (hashOf(first + i, key) as u32 as f64) * 2.3283064365386963e-10;
    store<f32>(at, (floor((load<f32>(at) as f64) * inverse + uniform) * step) as f32);
  }
}

function upper(x: v128): v128 {
  return i8x16.shuffle(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
}

/** Of the first two numbers. */
function rounded(x: v128, draws: v128, inverses: v128, steps: v128): v128 {
  const uniform = f64x2.mul(f64x2.convert_low_i32x4_u(draws), f64x2.splat(2.3283064365386963e-10));
  const sum = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(x), inverses), uniform);
  return f64x2.mul(f64x2.floor(sum), steps);
}

/** Rounded f32 to a scale and an integer each. Returns where it has ended. */
export function packBlocks(from: usize, count: i32, to: usize): usize {
  for (let begin = 0; begin < count; begin += blockFloats) {
    const size = min(blockFloats, count - begin);
    const scale = scaleOf(from, size);
    store<u8>(to++, scale);
    // A block that is not finite has no numbers: NaN saturates to 0.
    const inverse: f32 = scale === notFiniteScale ? NaN : scaleValue(254 - scale);
    let i = 0;
    for (; i + 16 <= size; i += 16, from += 64, to += 16) v128.store(to, sixteen(from, f32x4.splat(inverse)));
    for (; i < size; i++, from += 4)
      store<i8>(to++, scale === notFiniteScale ? 0 : ((load<f32>(from) * inverse) as i32 as i8));
  }
  return to;
}

function sixteen(from: usize, inverse: v128): v128 {
  const a = i16x8.narrow_i32x4_s(four(from, inverse), four(from + 16, inverse));
  const b = i16x8.narrow_i32x4_s(four(from + 32, inverse), four(from + 48, inverse));
  return i8x16.narrow_i16x8_s(a, b);
}

function four(from: usize, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(v128.load(from), inverse));
}

export function unpackBlocks(from: usize, count: i32, to: usize): void {
  for (let begin = 0; begin < count; begin += blockFloats) {
    const size = min(blockFloats, count - begin);
    const scale = load<u8>(from++) as i32;
    const step: f32 = scale === notFiniteScale ? NaN : scaleValue(scale);
    const steps = f32x4.splat(step);
    let i = 0;
    for (; i + 8 <= size; i += 8, from += 8, to += 32) {
      const integers = v128.load8x8_s(from);
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(integers)), steps));
      v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(integers)), steps), 16);
    }
    for (; i < size; i++, to += 4) store<f32>(to, (load<i8>(from++) as f32) * step);
  }
}

/** left -= right. */
export function subtract(left: usize, right: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, left += 16, right += 16) {
    v128.store(left, f32x4.sub(v128.load(left), v128.load(right)));
  }
  for (; i < count; i++, left += 4, right += 4) store<f32>(left, load<f32>(left) - load<f32>(right));
}

/** left += right. */
export function add(left: usize, right: usize, count: i32): void {
  let i = 0;
  for (; i + 4 <= count; i += 4, left += 16, right += 16) {
    v128.store(left, f32x4.add(v128.load(left), v128.load(right)));
  }
  for (; i < count; i++, left += 4, right += 4) store<f32>(left, load<f32>(left) + load<f32>(right));
}
