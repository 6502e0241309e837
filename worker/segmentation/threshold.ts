/** Thresholds that an image sets for itself: no mask is needed to choose them. */

/** Histogram resolution: finer than any score map is meaningful. */
const bins = 256;

/**
 * Otsu's threshold (1979) of values in [0, 1]: the cut that separates the two sides' means most, weighted by their
 * sizes. With a plateau of equal cuts, its middle. 0.5 when all values are equal.
 */
export function otsu(values: ArrayLike<number>): number {
  const histogram = new Float64Array(bins);
  let total = 0;
  for (let i = 0; i < values.length; i++) {
    const bin = Math.min(bins - 1, Math.max(0, Math.floor(values[i]! * bins)));
    histogram[bin] = histogram[bin]! + 1;
    total += bin;
  }
  let best = -1;
  let first = 0;
  let last = 0;
  let below = 0;
  let sumBelow = 0;
  for (let cut = 1; cut < bins; cut++) {
    below += histogram[cut - 1]!;
    sumBelow += histogram[cut - 1]! * (cut - 1);
    const above = values.length - below;
    if (below === 0 || above === 0) continue;
    const gap = sumBelow / below - (total - sumBelow) / above;
    const between = below * above * gap * gap;
    if (between > best * (1 + 1e-12)) [best, first] = [between, cut];
    if (between >= best) last = cut;
  }
  return best < 0 ? 0.5 : (first + last) / 2 / bins;
}

/** The value below which `share` of the values lie, from a histogram over [0, max]. */
export function quantile(values: Float32Array, share: number): number {
  const sorted = values.slice().sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/**
 * AffinityNet's background score (Ahn and Kwak 2018) is (1 - s)^alpha, s = the strongest tag's score: the class wins
 * from the s where both are equal. So an alpha is a threshold: .28 for 4, .10 for 24. Bisection: 40 halvings of 1.
 */
export function powerCut(alpha: number): number {
  let [low, high] = [0, 1];
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (middle >= (1 - middle) ** alpha) high = middle;
    else low = middle;
  }
  return high;
}
