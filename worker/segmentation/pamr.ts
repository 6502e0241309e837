/**
 * PAMR, pixel-adaptive mask refinement (Araslanov and Roth 2020, arXiv 2005.08104, section 3.3; constants of the
 * authors' pamr.py): every pixel takes, again and again, the mean of its 48 neighbours at six distances, weighted by how
 * alike they look. Replaces the dense CRF: no native code, and boundaries move to edges of the image.
 *
 *   weight = softmax over neighbours of  mean over colours of  -|I - I_n| / (0.1 * local deviation)
 *
 * Typed arrays with a padded border; a pixel's weights lie side by side, so that the inner loop is one dot product. The same on a
 * GPU: pamr-program.ts.
 */

export interface Affinity {
  readonly size: number;
  readonly pad: number;
  /** Distance of each neighbour in a padded plane. */
  readonly offsets: Int32Array;
  /** [size * size, neighbours]; each pixel's sum is 1. */
  readonly weights: Float32Array;
}

/** pamr.py divides by 0.1 of the deviation; the constant keeps flat regions finite. */
export const deviationShare = 0.1;
export const deviationMin = 1e-8;
/** exp(-20) of the largest weight: less than one f32 rounding of the sum. */
export const exponentMin = -20;

/** Neighbour weights of a square RGB image, [size, size, 3], any scale of values. */
export function affinityOf(rgb: Float32Array, size: number, dilations: readonly number[]): Affinity {
  const pad = Math.max(...dilations);
  const offsets = neighbourOffsets(dilations, size + 2 * pad);
  const planes = [0, 1, 2].map((colour) => paddedPlane(rgb, 3, colour, size, pad));
  const weights = new Float32Array(size * size * offsets.length);
  for (const plane of planes) addDifferences(weights, plane, size, pad, offsets, dilations.length);
  softmax(weights, offsets.length);
  return { size, pad, offsets, weights };
}

/** Refines a channel-last map [size, size, channels]. */
export function pamr(map: Float32Array, channels: number, affinity: Affinity, iterations: number): Float32Array {
  const { size, pad } = affinity;
  const out = map.slice();
  for (let k = 0; k < channels; k++) {
    const plane = paddedPlane(map, channels, k, size, pad);
    const next = new Float32Array(size * size);
    for (let i = 0; i < iterations; i++) {
      weightedMeans(next, plane, affinity);
      fillPadded(plane, next, 1, 0, size, pad);
    }
    if (iterations > 0) for (let p = 0; p < next.length; p++) out[p * channels + k] = next[p]!;
  }
  return out;
}

/** From a pixel to its neighbours, in the weights' order. */
export function neighbourSteps(dilations: readonly number[]): (readonly [dy: number, dx: number])[] {
  const ring = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dy, dx] as const)).filter(([dy, dx]) => dy || dx);
  return dilations.flatMap((distance) => ring.map(([dy, dx]) => [dy * distance, dx * distance] as const));
}

function neighbourOffsets(dilations: readonly number[], width: number): Int32Array {
  return Int32Array.from(neighbourSteps(dilations), ([dy, dx]) => dy * width + dx);
}

function paddedPlane(map: Float32Array, channels: number, k: number, size: number, pad: number): Float32Array {
  const plane = new Float32Array((size + 2 * pad) ** 2);
  fillPadded(plane, map, channels, k, size, pad);
  return plane;
}

/** One channel into a plane whose border repeats the edge. */
function fillPadded(plane: Float32Array, map: Float32Array, channels: number, k: number, size: number, pad: number) {
  const width = size + 2 * pad;
  for (let y = 0; y < size; y++) {
    const row = (y + pad) * width + pad;
    for (let x = 0; x < size; x++) plane[row + x] = map[(y * size + x) * channels + k]!;
    plane.fill(plane[row]!, row - pad, row);
    plane.fill(plane[row + size - 1]!, row + size, row + size + pad);
  }
  const first = pad * width;
  const last = (pad + size - 1) * width;
  for (let y = 0; y < pad; y++) {
    plane.copyWithin(y * width, first, first + width);
    plane.copyWithin((pad + size + y) * width, last, last + width);
  }
}

/** Adds one colour's share of the exponents. The pixel itself counts once per distance, as pamr.py's deviation does. */
function addDifferences(
  weights: Float32Array,
  plane: Float32Array,
  size: number,
  pad: number,
  offsets: Int32Array,
  centres: number,
): void {
  const neighbours = offsets.length;
  const count = neighbours + centres;
  const differences = new Float64Array(neighbours);
  for (let pixel = 0; pixel < size * size; pixel++) {
    const at = centreOf(pixel, size, pad);
    const own = plane[at]!;
    let sum = 0;
    let squares = 0;
    for (let n = 0; n < neighbours; n++) {
      /** Relative to the pixel itself: no cancellation in bright, flat regions. */
      const difference = plane[at + offsets[n]!]! - own;
      differences[n] = Math.abs(difference);
      sum += difference;
      squares += difference * difference;
    }
    const variance = Math.max(0, squares - (sum * sum) / count) / (count - 1);
    const scale = 1 / (3 * (deviationMin + deviationShare * Math.sqrt(variance)));
    const start = pixel * neighbours;
    for (let n = 0; n < neighbours; n++) weights[start + n] = weights[start + n]! - differences[n]! * scale;
  }
}

function centreOf(pixel: number, size: number, pad: number): number {
  const y = Math.floor(pixel / size);
  return (y + pad) * (size + 2 * pad) + pad + pixel - y * size;
}

function softmax(weights: Float32Array, neighbours: number): void {
  for (let start = 0; start < weights.length; start += neighbours) {
    let max = weights[start]!;
    for (let i = start + 1; i < start + neighbours; i++) if (weights[i]! > max) max = weights[i]!;
    let sum = 0;
    for (let i = start; i < start + neighbours; i++) {
      const exponent = weights[i]! - max;
      const e = exponent > exponentMin ? Math.exp(exponent) : 0;
      weights[i] = e;
      sum += e;
    }
    for (let i = start; i < start + neighbours; i++) weights[i] = weights[i]! / sum;
  }
}

function weightedMeans(out: Float32Array, plane: Float32Array, { size, pad, offsets, weights }: Affinity): void {
  const neighbours = offsets.length;
  for (let pixel = 0; pixel < out.length; pixel++) {
    const at = centreOf(pixel, size, pad);
    const start = pixel * neighbours;
    /** Two sums: their additions overlap in the processor. */
    let even = 0;
    let odd = 0;
    for (let n = 0; n < neighbours; n += 2) {
      even += weights[start + n]! * plane[at + offsets[n]!]!;
      odd += weights[start + n + 1]! * plane[at + offsets[n + 1]!]!;
    }
    out[pixel] = even + odd;
  }
}
