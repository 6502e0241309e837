/** Largest difference, relative to the largest of what is expected. What is not a number differs without limit. */
export function relativeDifference(actual: Float32Array, expected: Float32Array): number {
  let [worst, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    // NaN is larger than any difference.
    const off = Math.abs(actual[i]! - expected[i]!);
    if (!(off <= worst)) worst = Number.isNaN(off) ? Number.POSITIVE_INFINITY : off;
  }
  return worst === 0 ? 0 : worst / scale;
}
