/**
 * What each class looks like in this one photo: a colour histogram per class, weighted by the class's probability, and
 * Bayes' rule to join place and colour (MCOF, Wang 2018, section 3.3; GrabCut, Rother 2004, does the same with Gaussian
 * mixtures):
 *
 *   p(class | place, colour)  ~  p(class | place) * p(colour | class) ^ weight
 *
 * The network's errors are blobs; their colours give them away. A leg it missed has the body's colour, and the grass
 * under a belly that it took along has the colour of all the other grass.
 */
import { toLab } from "./superpixels/cielab.js";

/** Steps of L, a and b. Finer than 5 and coarser than 2 it matters little; 7 lost a third of the gain. */
const binSize = 3.5;
const bins = { L: Math.ceil(100 / binSize) + 1, a: Math.ceil(200 / binSize), b: Math.ceil(200 / binSize) };
const binCount = bins.L * bins.a * bins.b;
/** Weights at distances 0, 1, 2 of a Gaussian of 0.7 bins: a colour stands for those next to it. */
const kernel = [0.57, 0.2054, 0.0096];
/** A colour never seen in a class is unlikely there, not impossible; share of the class's pixels. */
const floor = 1e-5;
/** A probability of 0 could never be revised. */
const probabilityMin = 1e-3;

/** `probabilities` [cells, channels] summing to 1 per cell, `rgb` [cells, 3] of 0..255; the same shape comes back. */
export function withColours(
  probabilities: Float32Array,
  channels: number,
  rgb: ArrayLike<number>,
  weight: number,
): Float32Array {
  const cells = probabilities.length / channels;
  const bin = binsOf(toLab(rgb));
  const likelihoods = Array.from({ length: channels }, (_, k) => likelihoodOf(bin, probabilities, channels, k));
  const out = new Float32Array(probabilities.length);
  for (let i = 0; i < cells; i++) {
    const at = i * channels;
    let sum = 0;
    for (let k = 0; k < channels; k++) {
      out[at + k] = Math.max(probabilityMin, probabilities[at + k]!) * likelihoods[k]![bin[i]!]! ** weight;
      sum += out[at + k]!;
    }
    for (let k = 0; k < channels; k++) out[at + k] = out[at + k]! / sum;
  }
  return out;
}

function binsOf(lab: Float32Array): Int32Array {
  const index = (value: number, low: number, count: number) =>
    Math.min(count - 1, Math.max(0, Math.floor((value - low) / binSize)));
  return Int32Array.from({ length: lab.length / 3 }, (_, i) => {
    const L = index(lab[i * 3]!, 0, bins.L);
    const a = index(lab[i * 3 + 1]!, -100, bins.a);
    return (L * bins.a + a) * bins.b + index(lab[i * 3 + 2]!, -100, bins.b);
  });
}

/** p(colour | class) of every bin. */
function likelihoodOf(bin: Int32Array, probabilities: Float32Array, channels: number, k: number): Float32Array {
  let histogram = new Float32Array(binCount);
  let total = 0;
  for (let i = 0; i < bin.length; i++) {
    const p = probabilities[i * channels + k]!;
    histogram[bin[i]!] = histogram[bin[i]!]! + p;
    total += p;
  }
  for (const [stride, count] of axes) histogram = blurred(histogram, stride, count);
  return histogram.map((mass) => mass / Math.max(total, 1e-9) + floor);
}

const axes = [
  [bins.a * bins.b, bins.L],
  [bins.b, bins.a],
  [1, bins.b],
] as const;

/** Along one axis; mass beyond the ends is lost, and there is none. */
function blurred(histogram: Float32Array, stride: number, count: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(histogram.length);
  for (let i = 0; i < histogram.length; i++) {
    const mass = histogram[i]!;
    if (mass === 0) continue;
    const place = Math.floor(i / stride) % count;
    for (let d = -2; d <= 2; d++) {
      if (place + d < 0 || place + d >= count) continue;
      const to = i + d * stride;
      out[to] = out[to]! + mass * kernel[Math.abs(d)]!;
    }
  }
  return out;
}
