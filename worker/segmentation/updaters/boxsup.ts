/**
 * BoxSup's label update (Dai, He and Sun, ICCV 2015, section 3) for image tags: of the candidate masks, take one that
 * overlaps the old mask and that the network finds likely,
 *
 *   cost = (1 - IoU(old, candidate)) + lambda * mean cross entropy of the network against the candidate,   lambda 3
 *
 * and take it by lot among the 5 LOWEST costs, which leaves local optima (about +2 IoU in the paper). A public port
 * sorts the wrong way and draws from the 5 highest; the tests hold the direction. The paper's boxes are the old masks.
 */
import type { Rng } from "../../../shared/rng.js";

export interface BoxSupOptions {
  readonly lambda: number;
  /** Candidates the lot is drawn among. */
  readonly choices: number;
}

/** Keeps the cross entropy finite where the network is certain. */
const probabilityMin = 1e-4;

/** Cost of every candidate. `p` = the network's probability of the class per pixel, against everything else. */
export function costsOf(
  candidates: readonly Uint8Array[],
  old: Uint8Array,
  p: Float32Array,
  lambda: number,
): Float64Array {
  const entropyIn = p.map((value) => -Math.log(Math.max(value, probabilityMin)));
  const entropyOut = p.map((value) => -Math.log(Math.max(1 - value, probabilityMin)));
  return Float64Array.from(candidates, (candidate) => {
    let both = 0;
    let either = 0;
    let entropy = 0;
    for (let i = 0; i < candidate.length; i++) {
      both += candidate[i]! & old[i]!;
      either += candidate[i]! | old[i]!;
      entropy += candidate[i] ? entropyIn[i]! : entropyOut[i]!;
    }
    return 1 - (either > 0 ? both / either : 1) + (lambda * entropy) / candidate.length;
  });
}

/** Indices of the `count` lowest costs, lowest first; the earlier of two equal ones. */
export function lowest(costs: ArrayLike<number>, count: number): number[] {
  const order = Array.from({ length: costs.length }, (_, i) => i);
  return order.sort((a, b) => costs[a]! - costs[b]! || a - b).slice(0, count);
}

/** The mask by lot, or null where there is no candidate. */
export function chooseMask(
  candidates: readonly Uint8Array[],
  old: Uint8Array,
  p: Float32Array,
  options: BoxSupOptions,
  rng: Rng,
): Uint8Array | null {
  const best = lowest(costsOf(candidates, old, p, options.lambda), options.choices);
  return best.length > 0 ? candidates[best[rng.integer(best.length)]!]! : null;
}
