/**
 * MCOF's saliency-guided refinement (Wang et al., CVPR 2018, section 3.3): the mined region says what the object looks
 * like, the saliency map where it may be, and Bayes' rule joins them for every pixel with colour v:
 *
 *   p(obj | v) = p(obj) p(v | obj) / ( p(obj) p(v | obj) + p(bg) p(v | bg) ),   p(obj) = saliency, p(bg) = 1 - p(obj)
 *
 * p(v | obj) and p(v | bg) are the colour histograms inside and outside the mined region. Weights may be soft: a pixel
 * that is object with probability w counts w inside and 1 - w outside.
 */

/** Steps per colour channel: 8 keeps 512 bins, a few pixels in each at the sizes used here. */
const steps = 8;
const bins = steps ** 3;
/** Pixels added to each bin (Laplace): a colour never seen inside is unlikely, not impossible. */
const smoothing = 1;

/** The histogram bin of each pixel of an RGB photo of values 0..255. */
export function colourBins(rgb: ArrayLike<number>): Uint16Array {
  const step = (value: number) => Math.min(steps - 1, Math.floor((value * steps) / 256));
  return Uint16Array.from({ length: rgb.length / 3 }, (_, i) => {
    return (step(rgb[i * 3]!) * steps + step(rgb[i * 3 + 1]!)) * steps + step(rgb[i * 3 + 2]!);
  });
}

/** p(v | obj) and p(v | bg) per bin, from the pixels' membership in the mined region (0..1). */
export function likelihoods(colours: Uint16Array, membership: Float32Array) {
  const inside = new Float64Array(bins).fill(smoothing);
  const outside = new Float64Array(bins).fill(smoothing);
  for (let i = 0; i < colours.length; i++) {
    const bin = colours[i]!;
    inside[bin] = inside[bin]! + membership[i]!;
    outside[bin] = outside[bin]! + 1 - membership[i]!;
  }
  return { inside: toShares(inside), outside: toShares(outside) };
}

function toShares(histogram: Float64Array): Float64Array {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  return histogram.map((count) => count / total);
}

/** p(obj | v) per pixel. */
export function posterior(prior: Float32Array, colours: Uint16Array, membership: Float32Array): Float32Array {
  const { inside, outside } = likelihoods(colours, membership);
  return prior.map((p, i) => {
    const object = p * inside[colours[i]!]!;
    const background = (1 - p) * outside[colours[i]!]!;
    return object + background > 0 ? object / (object + background) : p;
  });
}
