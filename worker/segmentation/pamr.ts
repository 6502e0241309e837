/**
 * PAMR, pixel-adaptive mask refinement (Araslanov and Roth 2020, arXiv 2005.08104, section 3.3; constants of the
 * authors' pamr.py): every pixel takes, again and again, the mean of its 48 neighbours at six distances, weighted by how
 * alike they look. Replaces the dense CRF: no native code, and boundaries move to edges of the image.
 *
 *   weight = softmax over neighbours of  mean over colours of  -|I - I_n| / (0.1 * local deviation)
 *
 * Typed arrays with a padded border, neighbours in the outer loop, so that the inner loop runs along contiguous rows:
 * about 30 ms for a 128 x 128 map.
 */

export interface Affinity {
  readonly size: number;
  readonly offsets: readonly Offset[];
  /** [neighbours, size * size]; sums to 1 over neighbours. */
  readonly weights: Float32Array;
}

interface Offset {
  readonly dx: number;
  readonly dy: number;
}

/** pamr.py divides by 0.1 of the deviation; the constant keeps flat regions finite. */
const deviationShare = 0.1;
const deviationMin = 1e-8;

function neighbourOffsets(dilations: readonly number[]): Offset[] {
  const ring = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => ({ dx, dy }))).filter(({ dx, dy }) => dx || dy);
  return dilations.flatMap((distance) => ring.map(({ dx, dy }) => ({ dx: dx * distance, dy: dy * distance })));
}

/** Neighbour weights of a square RGB image, [size, size, 3], any scale of values. */
export function affinityOf(rgb: Float32Array, size: number, dilations: readonly number[]): Affinity {
  const offsets = neighbourOffsets(dilations);
  const pad = Math.max(...dilations);
  const pixels = size * size;
  const weights = new Float32Array(offsets.length * pixels);
  const plane = new Float32Array((size + 2 * pad) ** 2);
  for (let colour = 0; colour < 3; colour++) {
    fillPadded(plane, rgb, 3, colour, size, pad);
    const scale = inverseDeviation(plane, size, pad, offsets, dilations.length);
    addDifferences(weights, plane, size, pad, offsets, scale);
  }
  softmaxOverNeighbours(weights, offsets.length, pixels);
  return { size, offsets, weights };
}

/** Refines a channel-last map [size, size, channels]. */
export function pamr(map: Float32Array, channels: number, affinity: Affinity, iterations: number): Float32Array {
  const { size, offsets } = affinity;
  const pad = Math.max(...offsets.map(({ dx }) => dx));
  const padded = new Float32Array((size + 2 * pad) ** 2);
  const out = map.slice();
  const next = new Float32Array(size * size);
  for (let k = 0; k < channels; k++) {
    for (let i = 0; i < iterations; i++) {
      fillPadded(padded, out, channels, k, size, pad);
      gather(next, padded, affinity, pad);
      for (let p = 0; p < next.length; p++) out[p * channels + k] = next[p]!;
    }
  }
  return out;
}

/** One channel into a plane whose border repeats the edge. */
function fillPadded(
  plane: Float32Array,
  map: Float32Array,
  channels: number,
  k: number,
  size: number,
  pad: number,
): void {
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

/** 1 / (share of the deviation over all neighbours, the pixel itself once per distance, as pamr.py counts). */
function inverseDeviation(
  plane: Float32Array,
  size: number,
  pad: number,
  offsets: readonly Offset[],
  centres: number,
): Float32Array {
  const width = size + 2 * pad;
  const sum = new Float32Array(size * size);
  const squares = new Float32Array(size * size);
  for (const { dx, dy } of offsets) {
    for (let y = 0; y < size; y++) {
      const centre = (y + pad) * width + pad;
      const base = (y + pad + dy) * width + pad + dx;
      const row = y * size;
      for (let x = 0; x < size; x++) {
        /** Relative to the pixel itself: no cancellation in bright, flat regions. */
        const difference = plane[base + x]! - plane[centre + x]!;
        sum[row + x] = sum[row + x]! + difference;
        squares[row + x] = squares[row + x]! + difference * difference;
      }
    }
  }
  const count = offsets.length + centres;
  for (let p = 0; p < sum.length; p++) {
    const variance = Math.max(0, squares[p]! - (sum[p]! * sum[p]!) / count) / (count - 1);
    sum[p] = 1 / (deviationMin + deviationShare * Math.sqrt(variance));
  }
  return sum;
}

function addDifferences(
  weights: Float32Array,
  plane: Float32Array,
  size: number,
  pad: number,
  offsets: readonly Offset[],
  scale: Float32Array,
): void {
  const width = size + 2 * pad;
  offsets.forEach(({ dx, dy }, n) => {
    const start = n * size * size;
    for (let y = 0; y < size; y++) {
      const centre = (y + pad) * width + pad;
      const base = (y + pad + dy) * width + pad + dx;
      const row = y * size;
      for (let x = 0; x < size; x++) {
        const difference = Math.abs(plane[centre + x]! - plane[base + x]!);
        weights[start + row + x] = weights[start + row + x]! - (difference * scale[row + x]!) / 3;
      }
    }
  });
}

function softmaxOverNeighbours(weights: Float32Array, neighbours: number, pixels: number): void {
  const max = new Float32Array(pixels).fill(Number.NEGATIVE_INFINITY);
  const sum = new Float32Array(pixels);
  for (let n = 0; n < neighbours; n++) {
    for (let p = 0; p < pixels; p++) if (weights[n * pixels + p]! > max[p]!) max[p] = weights[n * pixels + p]!;
  }
  for (let n = 0; n < neighbours; n++) {
    for (let p = 0; p < pixels; p++) {
      const e = Math.exp(weights[n * pixels + p]! - max[p]!);
      weights[n * pixels + p] = e;
      sum[p] = sum[p]! + e;
    }
  }
  for (let n = 0; n < neighbours; n++) {
    for (let p = 0; p < pixels; p++) weights[n * pixels + p] = weights[n * pixels + p]! / sum[p]!;
  }
}

function gather(out: Float32Array, plane: Float32Array, { size, offsets, weights }: Affinity, pad: number): void {
  const width = size + 2 * pad;
  out.fill(0);
  offsets.forEach(({ dx, dy }, n) => {
    const start = n * size * size;
    for (let y = 0; y < size; y++) {
      const base = (y + pad + dy) * width + pad + dx;
      const row = y * size;
      for (let x = 0; x < size; x++) out[row + x] = out[row + x]! + weights[start + row + x]! * plane[base + x]!;
    }
  });
}
