/**
 * What a pixel should be and how much it counts, from a label map: the input of every region loss. A target's channels
 * sum to the pixel's weight, 0 where nothing is known. Weights of one image sum to 1, so that its loss is a mean.
 *
 * Pseudo-labels are hard, and wrong near edges. Soft labels come from the superpixels: part of a pixel's label is the
 * share of each label in its superpixel, so a region that the label map cuts in two is trusted less.
 */
import { BACKGROUND, IGNORE } from "../../../shared/data/manifest.js";

export interface Labelled {
  /** [cells], 255 = unknown. */
  readonly labels: ArrayLike<number>;
  /** Superpixel of each cell, and their number; needed where `softness` > 0. */
  readonly regions: ArrayLike<number> | null;
  readonly regionCount: number;
}

/** Soft labels [cells, depth]; all 0 where the label is unknown. */
export function softLabels({ labels, regions, regionCount }: Labelled, depth: number, softness: number): Float32Array {
  const soft = new Float32Array(labels.length * depth);
  const shares = softness > 0 && regions ? sharesOf(labels, regions, regionCount, depth) : null;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === IGNORE) continue;
    if (shares) {
      const row = regions![i]! * depth;
      for (let k = 0; k < depth; k++) soft[i * depth + k] = softness * shares[row + k]!;
    }
    const own = i * depth + labels[i]!;
    soft[own] = soft[own]! + (shares ? 1 - softness : 1);
  }
  return soft;
}

function sharesOf(labels: ArrayLike<number>, regions: ArrayLike<number>, count: number, depth: number): Float32Array {
  const shares = new Float32Array(count * depth);
  const totals = new Float32Array(count);
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === IGNORE) continue;
    const at = regions[i]! * depth + labels[i]!;
    shares[at] = shares[at]! + 1;
    totals[regions[i]!] = totals[regions[i]!]! + 1;
  }
  for (let i = 0; i < shares.length; i++) shares[i] = shares[i]! / Math.max(1, totals[Math.floor(i / depth)]!);
  return shares;
}

/** Every known pixel the same, [cells]. */
export function equalWeights(labels: ArrayLike<number>): Float32Array {
  return normalised(Float32Array.from(labels, (label) => (label === IGNORE ? 0 : 1)));
}

/** Half for the foreground, half for the background (ToCo): a small object weighs as much as what surrounds it. */
export function balancedWeights(labels: ArrayLike<number>): Float32Array {
  let foreground = 0;
  let background = 0;
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === BACKGROUND) background++;
    else if (labels[i] !== IGNORE) foreground++;
  }
  return normalised(
    Float32Array.from(labels, (label) => {
      if (label === IGNORE) return 0;
      return 1 / (label === BACKGROUND ? background : foreground);
    }),
  );
}

/** How sure the soft label is, 1 for one class alone and 0 for all alike: (largest - 1/depth) / (1 - 1/depth). */
export function confidenceWeights(soft: Float32Array, depth: number): Float32Array {
  const weights = new Float32Array(soft.length / depth);
  for (let i = 0; i < weights.length; i++) {
    const largest = Math.max(...soft.subarray(i * depth, (i + 1) * depth));
    weights[i] = Math.max(0, (largest * depth - 1) / (depth - 1));
  }
  return normalised(weights);
}

function normalised(weights: Float32Array): Float32Array {
  let total = 0;
  for (const weight of weights) total += weight;
  return total > 0 ? weights.map((weight) => weight / total) : weights;
}
