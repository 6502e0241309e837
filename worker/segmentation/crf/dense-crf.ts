/** The dense CRF of a photo: mean-field.ts with a Gaussian over place and a bilateral kernel over place and colour. */
import { gaussian } from "../superpixels/blur.js";
import { type Filter, meanField } from "./mean-field.js";
import { filter, latticeOf } from "./permutohedral.js";

export interface CrfOptions {
  readonly iterations: number;
  /** Strength of the smoothness kernel, and its deviation in pixels. */
  readonly smoothWeight: number;
  readonly smoothSigma: number;
  /** Strength of the appearance kernel, its deviation in pixels, and in colour levels (0..255). */
  readonly colourWeight: number;
  readonly placeSigma: number;
  readonly colourSigma: number;
}

/** Refines probabilities [size, size, channels] on a square photo [size, size, 3] of values 0..255. */
export function denseCrf(
  probabilities: Float32Array,
  channels: number,
  rgb: ArrayLike<number>,
  size: number,
  options: CrfOptions,
): Float32Array {
  const kernels = [
    { filter: smoothFilter(size, options.smoothSigma), weight: options.smoothWeight },
    { filter: appearanceFilter(rgb, size, options), weight: options.colourWeight },
  ];
  return meanField(probabilities, channels, kernels, options.iterations);
}

/** Two passes over rows and columns. Beyond the frame there is nothing (not a repeated edge): a sum over pixels. */
export function smoothFilter(size: number, sigma: number): Filter {
  const weights = gaussian(sigma);
  return (values, channels) => {
    const across = weightedSums(values, weights, size, channels, size * channels, channels);
    return weightedSums(across, weights, size, size * channels, channels, channels);
  };
}

/** Weighted sums along one axis of a square map; `stride` along the axis, `lineStride` between lines. */
function weightedSums(
  values: Float32Array,
  weights: Float64Array,
  size: number,
  stride: number,
  lineStride: number,
  channels: number,
): Float32Array {
  const out = new Float32Array(values.length);
  for (let line = 0; line < size; line++) {
    for (let i = 0; i < size; i++) {
      const first = Math.max(0, i - weights.length + 1);
      const last = Math.min(size - 1, i + weights.length - 1);
      for (let k = 0; k < channels; k++) {
        let sum = 0;
        for (let j = first; j <= last; j++) {
          sum += weights[Math.abs(i - j)]! * values[line * lineStride + j * stride + k]!;
        }
        out[line * lineStride + i * stride + k] = sum;
      }
    }
  }
  return out;
}

export function appearanceFilter(
  rgb: ArrayLike<number>,
  size: number,
  { placeSigma, colourSigma }: Pick<CrfOptions, "placeSigma" | "colourSigma">,
): Filter {
  const dimension = 5;
  const features = new Float32Array(size * size * dimension);
  for (let i = 0; i < size * size; i++) {
    features[i * dimension] = (i % size) / placeSigma;
    features[i * dimension + 1] = Math.floor(i / size) / placeSigma;
    for (let k = 0; k < 3; k++) features[i * dimension + 2 + k] = rgb[i * 3 + k]! / colourSigma;
  }
  const lattice = latticeOf(features, dimension);
  return (values, channels) => filter(lattice, values, channels);
}
