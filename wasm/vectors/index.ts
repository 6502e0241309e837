/**
 * Passes over the numbers of a model: the formulas of shared/math/vectors.ts four numbers at a time, in the order of operations
 * and with the roundings that JavaScript has, so that every bit is the same. Arguments are addresses of f32 numbers; up to
 * three behind the last are worked on as well. No allocation.
 */

/** `left + right` into `sum`, which may be one of them. */
export function add(sum: usize, left: usize, right: usize, count: i32): void {
  const end = left + 4 * (count as usize);
  for (; left < end; sum += 16, left += 16, right += 16) {
    v128.store(sum, f32x4.add(v128.load(left), v128.load(right)));
  }
}

/** Whether all numbers times `scale` are finite. */
export function areFinite(values: usize, count: i32, scale: f32): bool {
  const end = values + 4 * (count as usize);
  const scale4 = f32x4.splat(scale);
  let bad = i32x4.splat(0);
  for (; values < end; values += 16) {
    const x = f32x4.mul(v128.load(values), scale4);
    bad = v128.or(bad, f32x4.ne(f32x4.sub(x, x), f32x4.splat(0)));
  }
  return !v128.any_true(bad);
}

/** `keep x average + (1 - keep) x values` into `average`, in f64. */
export function mix(average: usize, values: usize, count: i32, keep: f64): void {
  const end = average + 4 * (count as usize);
  const keep2 = f64x2.splat(keep);
  const take2 = f64x2.splat(1 - keep);
  for (; average < end; average += 16, values += 16) {
    const a = v128.load(average);
    const x = v128.load(values);
    const low = mixed(keep2, lowerHalf(a), take2, lowerHalf(x));
    v128.store(average, joined(low, mixed(keep2, upperHalf(a), take2, upperHalf(x))));
  }
}

/** A step of AdamW, in f32: of `values` to `moved`, which may be the same, and of the moments `m` and `v`. */
export function adamw(
  moved: usize,
  values: usize,
  m: usize,
  v: usize,
  gradient: usize,
  count: i32,
  scale: f32,
  keep1: f32,
  take1: f32,
  keep2: f32,
  take2: f32,
  stepSize: f32,
  correction: f32,
  epsilon: f32,
  decay: f32,
): void {
  const end = values + 4 * (count as usize);
  for (; values < end; moved += 16, values += 16, m += 16, v += 16, gradient += 16) {
    const g = times(v128.load(gradient), scale);
    const first = f32x4.add(times(v128.load(m), keep1), times(g, take1));
    const second = f32x4.add(times(v128.load(v), keep2), f32x4.mul(times(g, take2), g));
    v128.store(m, first);
    v128.store(v, second);
    const root = f32x4.add(times(f32x4.sqrt(second), correction), f32x4.splat(epsilon));
    const step = f32x4.div(times(first, stepSize), root);
    const p = v128.load(values);
    v128.store(moved, f32x4.sub(p, f32x4.add(times(p, decay), step)));
  }
}

/**
 * Goes on with sixteen sums of all bits, at `state`: xxHash's round (Y. Collet, XXH32) on a lane for each number of 64 bytes, so
 * that a number is mixed into one lane, in its turn. Less than 64 bytes come last.
 */
export function checksum(values: usize, count: i32, state: usize): void {
  const end = values + 4 * (count as usize);
  const whole = end - ((4 * count) & 63);
  let a = v128.load(state);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let d = v128.load(state, 48);
  for (; values < whole; values += 64) {
    a = stirred(a, v128.load(values));
    b = stirred(b, v128.load(values, 16));
    c = stirred(c, v128.load(values, 32));
    d = stirred(d, v128.load(values, 48));
  }
  if (values < end) a = stirred(a, v128.load(values));
  if (values + 16 < end) b = stirred(b, v128.load(values, 16));
  if (values + 32 < end) c = stirred(c, v128.load(values, 32));
  if (values + 48 < end) d = stirred(d, v128.load(values, 48));
  v128.store(state, a);
  v128.store(state, b, 16);
  v128.store(state, c, 32);
  v128.store(state, d, 48);
}

function stirred(sum: v128, x: v128): v128 {
  const mixed = i32x4.add(sum, i32x4.mul(x, i32x4.splat(0x85ebca77)));
  const turned = v128.or(i32x4.shl(mixed, 13), i32x4.shr_u(mixed, 19));
  return i32x4.mul(turned, i32x4.splat(0x9e3779b1));
}

function times(x: v128, factor: f32): v128 {
  return f32x4.mul(x, f32x4.splat(factor));
}

function mixed(a: v128, x: v128, b: v128, y: v128): v128 {
  return f64x2.add(f64x2.mul(a, x), f64x2.mul(b, y));
}

function lowerHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}

function upperHalf(x: v128): v128 {
  return f64x2.promote_low_f32x4(i32x4.shuffle(x, x, 2, 3, 2, 3));
}

/** Two pairs of f64, rounded to f32. */
function joined(low: v128, high: v128): v128 {
  return i32x4.shuffle(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5);
}
