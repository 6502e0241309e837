/**
 * Mean field inference in a fully connected CRF (Kraehenbuehl and Koltun, NIPS 2011) with Potts compatibility:
 *
 *   Q <- softmax( ln P + sum over kernels m of  w_m * K_m Q ),   K_m normalised by sqrt(K 1) on both sides
 *
 * P = the network's probabilities, K = Gaussian kernels over place (smoothness) and over place and colour (appearance).
 * As in densecrf, a pixel's message to itself is not taken out: the same for every pixel, it only sharpens.
 */

/** Multiplies [N, C] by a kernel matrix. */
export type Filter = (values: Float32Array, channels: number) => Float32Array;

export interface Kernel {
  readonly filter: Filter;
  /** Strength of the agreement it asks for (densecrf's compat). */
  readonly weight: number;
}

/** Keeps ln finite for a class that the network excludes. */
const probabilityMin = 1e-5;

/** Probabilities [N, C] to probabilities [N, C]. */
export function meanField(
  probabilities: Float32Array,
  channels: number,
  kernels: readonly Kernel[],
  iterations: number,
): Float32Array {
  const unary = probabilities.map((p) => Math.log(Math.max(p, probabilityMin)));
  const count = probabilities.length / channels;
  const scaled = kernels.map(({ filter, weight }) => ({ filter, weight, scales: scalesOf(filter, count) }));
  let q = softmax(unary, channels);
  for (let i = 0; i < iterations; i++) {
    const energy = unary.slice();
    for (const { filter, weight, scales } of scaled) {
      const message = filter(
        q.map((value, at) => value * scales[Math.floor(at / channels)]!),
        channels,
      );
      for (let at = 0; at < energy.length; at++) {
        energy[at] = energy[at]! + weight * message[at]! * scales[Math.floor(at / channels)]!;
      }
    }
    q = softmax(energy, channels);
  }
  return q;
}

/** 1 / sqrt(K 1). */
function scalesOf(filter: Filter, count: number): Float32Array {
  return filter(new Float32Array(count).fill(1), 1).map((sum) => 1 / Math.sqrt(sum + 1e-20));
}

function softmax(energy: Float32Array, channels: number): Float32Array {
  const out = new Float32Array(energy.length);
  for (let start = 0; start < energy.length; start += channels) {
    let max = energy[start]!;
    for (let k = 1; k < channels; k++) max = Math.max(max, energy[start + k]!);
    let sum = 0;
    for (let k = 0; k < channels; k++) sum += out[start + k] = Math.exp(energy[start + k]! - max);
    for (let k = 0; k < channels; k++) out[start + k] = out[start + k]! / sum;
  }
  return out;
}
