/**
 * Passes over the numbers of a model: the formulas of shared/math/vectors.ts four numbers at a time, in the order of operations
 * and with the roundings that JavaScript has, so that every bit is the same. Arguments are addresses of f32 numbers; up to
 * three behind the last are worked on as well. No allocation.
 */

/** `left + right` into `left`. */
export function add(left: usize, right: usize, count: i32): void {
  const end = left + 4 * (count as usize);
  for (; left < end; left += 16, right += 16) v128.store(left, f32x4.add(v128.load(left), v128.load(right)));
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

/** A step of AdamW, in f64: moves `values`, and the moments `m` and `v`. */
export function adamw(
  values: usize,
  m: usize,
  v: usize,
  gradient: usize,
  count: i32,
  scale: f32,
  beta1: f64,
  beta2: f64,
  stepSize: f64,
  correction: f64,
  epsilon: f64,
  shrink: f64,
): void {
  const end = values + 4 * (count as usize);
  const scale4 = f32x4.splat(scale);
  const keep1 = f64x2.splat(beta1);
  const take1 = f64x2.splat(1 - beta1);
  const keep2 = f64x2.splat(beta2);
  const take2 = f64x2.splat(1 - beta2);
  const step = f64x2.splat(stepSize);
  const correct = f64x2.splat(correction);
  const tiny = f64x2.splat(epsilon);
  const shrink2 = f64x2.splat(shrink);
  for (; values < end; values += 16, m += 16, v += 16, gradient += 16) {
    const g4 = f32x4.mul(v128.load(gradient), scale4);
    const m4 = v128.load(m);
    const v4 = v128.load(v);
    const p4 = v128.load(values);
    const gLow = lowerHalf(g4);
    const gHigh = upperHalf(g4);
    const mLow = mixed(keep1, lowerHalf(m4), take1, gLow);
    const mHigh = mixed(keep1, upperHalf(m4), take1, gHigh);
    const vLow = mixed(keep2, lowerHalf(v4), f64x2.mul(take2, gLow), gLow);
    const vHigh = mixed(keep2, upperHalf(v4), f64x2.mul(take2, gHigh), gHigh);
    v128.store(m, joined(mLow, mHigh));
    v128.store(v, joined(vLow, vHigh));
    const low = moved(lowerHalf(p4), shrink2, step, mLow, vLow, correct, tiny);
    v128.store(values, joined(low, moved(upperHalf(p4), shrink2, step, mHigh, vHigh, correct, tiny)));
  }
}

function moved(p: v128, shrink: v128, step: v128, m: v128, v: v128, correct: v128, tiny: v128): v128 {
  const root = f64x2.add(f64x2.mul(f64x2.sqrt(v), correct), tiny);
  return f64x2.sub(f64x2.mul(p, shrink), f64x2.div(f64x2.mul(step, m), root));
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
