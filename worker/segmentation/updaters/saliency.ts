/**
 * Where an object probably is before anything is known about its class: regions that reach the frame along their own
 * colour are background (Zhu et al., CVPR 2014, "Saliency optimization from robust background detection", section 3).
 * The prior of MCOF's Bayesian step, whose paper takes a trained saliency model instead; this one has seen no mask.
 *
 *   reach(p, q)  shortest path over neighbouring regions, steps = colour distance (CIELAB)
 *   area(p)      = sum over q of exp(-reach^2 / (2 sigma_colour^2));   length(p) = the same over regions on the frame
 *   connectivity = length / sqrt(area);   p(object) = exp(-connectivity^2 / (2 sigma_frame^2))
 */
import { frameLengths, neighbours, regionMeans, type Superpixels } from "../superpixels/superpixels.js";

/** The paper's: colour distances up to 10 look alike; a connectivity of 1 is the frame's share of a square patch. */
const sigmaColour = 10;
const sigmaFrame = 1;
/** The paper's threshold: steps this small cost nothing, or long smooth gradients would add up. */
const stepFree = 3;

/** p(object) per region, [R]. */
export function framePrior(lab: Float32Array, superpixels: Superpixels): Float64Array {
  const { count } = superpixels;
  const reach = shortestPaths(regionMeans(lab, 3, superpixels), neighbours(superpixels));
  const onFrame = frameLengths(superpixels).map((length) => (length > 0 ? 1 : 0));
  const prior = new Float64Array(count);
  for (let p = 0; p < count; p++) {
    let area = 0;
    let length = 0;
    for (let q = 0; q < count; q++) {
      const similarity = Math.exp(-((reach[p * count + q]! / sigmaColour) ** 2) / 2);
      area += similarity;
      length += similarity * onFrame[q]!;
    }
    const connectivity = length / Math.sqrt(area);
    prior[p] = Math.exp(-((connectivity / sigmaFrame) ** 2) / 2);
  }
  return prior;
}

/** All pairs, [R, R] (Floyd and Warshall): a few hundred regions. */
function shortestPaths(colours: Float32Array, graph: readonly number[][]): Float64Array {
  const count = graph.length;
  const reach = new Float64Array(count * count).fill(Number.POSITIVE_INFINITY);
  for (let p = 0; p < count; p++) {
    reach[p * count + p] = 0;
    for (const q of graph[p]!) reach[p * count + q] = Math.max(0, colourDistance(colours, p, q) - stepFree);
  }
  for (let via = 0; via < count; via++) {
    for (let p = 0; p < count; p++) {
      const first = reach[p * count + via]!;
      for (let q = 0; q < count; q++) {
        const through = first + reach[via * count + q]!;
        if (through < reach[p * count + q]!) reach[p * count + q] = through;
      }
    }
  }
  return reach;
}

function colourDistance(colours: Float32Array, p: number, q: number): number {
  let square = 0;
  for (let k = 0; k < 3; k++) square += (colours[p * 3 + k]! - colours[q * 3 + k]!) ** 2;
  return Math.sqrt(square);
}
