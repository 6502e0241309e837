/**
 * Candidate masks, BoxSup's proposals without a proposal network: unions of superpixels. For each cut of the photo (fine
 * to coarse), each map that says where the object may be, and each level, the superpixels whose mean reaches the level
 * are taken, and of them the connected groups that contain part of the old mask: a candidate grows from what is there.
 */
import { neighbours, regionMeans, type Superpixels } from "../superpixels/superpixels.js";

/** Nine cuts of a map in 0..1. */
export const levels = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** A superpixel belongs to the old mask when most of it does. */
const ownShare = 0.5;

/**
 * Different masks [height, width] of 0 and 1, in a fixed order. `old` is the mask to grow from (or the strongest part of
 * the CAM, where there is none); `maps` are values in 0..1 per pixel.
 */
export function candidateMasks(
  cuts: readonly Superpixels[],
  old: Uint8Array,
  maps: readonly Float32Array[],
): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const cut of cuts) {
    const graph = neighbours(cut);
    const anchors = anchorsOf(regionMeans(old, 1, cut));
    const seen = new Set<string>();
    for (const map of maps) {
      const means = regionMeans(map, 1, cut);
      for (const level of levels) {
        const chosen = grow(graph, anchors, (region) => means[region]! >= level);
        const key = chosen.join("");
        if (seen.has(key) || !chosen.includes(1)) continue;
        seen.add(key);
        const mask = maskOf(chosen, cut);
        found.set(runsOf(mask), mask);
      }
    }
  }
  return [...found.values()];
}

/** Superpixels of the old mask; where it has no whole one, the superpixel that has most of it. */
function anchorsOf(shares: Float32Array): number[] {
  const own = [...shares.keys()].filter((region) => shares[region]! >= ownShare);
  if (own.length > 0) return own;
  const best = Math.max(...shares);
  return best > 0 ? [shares.indexOf(best)] : [];
}

/** 1 for the regions that `isIn`, and hang together with an anchor that is in itself; [R]. */
function grow(graph: readonly number[][], anchors: readonly number[], isIn: (region: number) => boolean): Uint8Array {
  const chosen = new Uint8Array(graph.length);
  const queue = anchors.filter(isIn);
  for (const region of queue) chosen[region] = 1;
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const region of graph[next]!) {
      if (chosen[region] || !isIn(region)) continue;
      chosen[region] = 1;
      queue.push(region);
    }
  }
  return chosen;
}

function maskOf(chosen: Uint8Array, { regions }: Superpixels): Uint8Array {
  const mask = new Uint8Array(regions.length);
  for (let i = 0; i < mask.length; i++) mask[i] = chosen[regions[i]!]!;
  return mask;
}

/** Where a mask changes: equal for equal masks, however they were cut. */
function runsOf(mask: Uint8Array): string {
  const changes: number[] = [];
  for (let i = 0; i < mask.length; i++) if (mask[i] !== (i > 0 ? mask[i - 1] : 0)) changes.push(i);
  return changes.join(" ");
}
