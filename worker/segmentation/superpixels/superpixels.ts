/**
 * Superpixels: a photo cut into regions that follow its edges, and what is done with such regions. How they are cut is
 * up to felzenszwalb.ts and slic.ts. Maps are channel-last; R = number of regions.
 */
import { IGNORE } from "../../../shared/data/manifest.js";

export interface Superpixels {
  readonly width: number;
  readonly height: number;
  /** Region of each pixel, 0..count - 1, numbered in scan order; [height, width]. */
  readonly regions: Int32Array;
  readonly count: number;
}

/** Numbers arbitrary region names by first appearance in scan order. */
export function renumber(names: Int32Array, width: number, height: number): Superpixels {
  const numbers = new Int32Array(names.length).fill(-1);
  const regions = new Int32Array(names.length);
  let count = 0;
  for (let i = 0; i < names.length; i++) {
    const name = names[i]!;
    if (numbers[name]! < 0) numbers[name] = count++;
    regions[i] = numbers[name]!;
  }
  return { width, height, regions, count };
}

/** Pixels of each region, [R]. */
export function areas({ regions, count }: Superpixels): Float64Array {
  const sizes = new Float64Array(count);
  for (const region of regions) sizes[region]!++;
  return sizes;
}

/** Mean of a map [height, width, channels] over each region, [R, channels]. */
export function regionMeans(map: ArrayLike<number>, channels: number, superpixels: Superpixels): Float32Array {
  const { regions, count } = superpixels;
  const sums = new Float64Array(count * channels);
  for (let i = 0; i < regions.length; i++) {
    const at = regions[i]! * channels;
    for (let k = 0; k < channels; k++) sums[at + k] = sums[at + k]! + map[i * channels + k]!;
  }
  const sizes = areas(superpixels);
  return Float32Array.from(sums, (sum, i) => sum / sizes[Math.floor(i / channels)]!);
}

/** The reverse: every pixel gets its region's values, [height, width, channels]. */
export function paint(values: ArrayLike<number>, channels: number, { regions }: Superpixels): Float32Array {
  const map = new Float32Array(regions.length * channels);
  for (let i = 0; i < regions.length; i++) {
    for (let k = 0; k < channels; k++) map[i * channels + k] = values[regions[i]! * channels + k]!;
  }
  return map;
}

/** Share of each label among a region's labelled pixels, [R, labelCount]; all 0 where every pixel is 255. */
export function labelShares(labels: Uint8Array, labelCount: number, superpixels: Superpixels): Float32Array {
  const { regions, count } = superpixels;
  const shares = new Float32Array(count * labelCount);
  for (let i = 0; i < regions.length; i++) {
    const label = labels[i]!;
    if (label !== IGNORE) shares[regions[i]! * labelCount + label]!++;
  }
  for (let region = 0; region < count; region++) {
    const row = shares.subarray(region * labelCount, (region + 1) * labelCount);
    const total = row.reduce((sum, n) => sum + n, 0);
    if (total > 0) for (let k = 0; k < labelCount; k++) row[k] = row[k]! / total;
  }
  return shares;
}

/** The commonest label of each region, [R]; the lower id of two equally common; 255 where every pixel is 255. */
export function vote(labels: Uint8Array, labelCount: number, superpixels: Superpixels): Uint8Array {
  const shares = labelShares(labels, labelCount, superpixels);
  return Uint8Array.from({ length: superpixels.count }, (_, region) => {
    const row = shares.subarray(region * labelCount, (region + 1) * labelCount);
    const best = Math.max(...row);
    return best > 0 ? row.indexOf(best) : IGNORE;
  });
}

/** Regions that share a pixel side, ascending, per region. */
export function neighbours({ regions, width, height, count }: Superpixels): number[][] {
  const sets = Array.from({ length: count }, () => new Set<number>());
  const join = (a: number, b: number) => {
    if (a === b) return;
    sets[a]!.add(b);
    sets[b]!.add(a);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x + 1 < width) join(regions[i]!, regions[i + 1]!);
      if (y + 1 < height) join(regions[i]!, regions[i + width]!);
    }
  }
  return sets.map((set) => [...set].sort((a, b) => a - b));
}

/** Pixels of each region on the image's frame, [R]. */
export function frameLengths({ regions, width, height, count }: Superpixels): Float64Array {
  const lengths = new Float64Array(count);
  for (let i = 0; i < regions.length; i++) {
    const x = i % width;
    const y = Math.floor(i / width);
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) lengths[regions[i]!]!++;
  }
  return lengths;
}

/** 1 where one of the four neighbours belongs to another region, then widened by `dilation` pixels (chessboard). */
export function edgeMap({ regions, width, height }: Superpixels, dilation: number): Uint8Array {
  const edges = new Uint8Array(regions.length);
  for (let i = 0; i < regions.length; i++) {
    if ((i + 1) % width !== 0 && regions[i] !== regions[i + 1]) edges[i] = edges[i + 1] = 1;
    if (i + width < regions.length && regions[i] !== regions[i + width]) edges[i] = edges[i + width] = 1;
  }
  return dilate(edges, width, height, dilation);
}

/** 1 within `radius` pixels (chessboard) of a 1; rows first, then columns. */
export function dilate(mask: Uint8Array, width: number, height: number, radius: number): Uint8Array {
  if (radius === 0) return mask;
  const across = new Uint8Array(mask.length);
  const out = new Uint8Array(mask.length);
  for (let i = 0; i < mask.length; i++) {
    const x = i % width;
    if (mask[i]) across.fill(1, i - Math.min(x, radius), i + Math.min(width - 1 - x, radius) + 1);
  }
  for (let i = 0; i < mask.length; i++) {
    if (!across[i]) continue;
    const y = Math.floor(i / width);
    const last = Math.min(height - 1, y + radius) * width;
    for (let at = Math.max(0, y - radius) * width; at <= last; at += width) out[at + (i % width)] = 1;
  }
  return out;
}
