/**
 * Graph-based segmentation (Felzenszwalb and Huttenlocher, IJCV 2004), the superpixels MCOF starts from. Neighbouring
 * pixels are joined in the order of their colour difference, as long as it is at most the largest difference inside
 * either region plus k / area: large regions need better evidence. Regions below `minSize` then join their most similar
 * neighbour. Constants and steps of the authors' code; ties keep scan order, so the result is a function of the photo.
 */
import { blur } from "./blur.js";
import { renumber, type Superpixels } from "./superpixels.js";

export interface FelzenszwalbOptions {
  /** Deviation of the Gaussian that removes pixel noise first, pixels; 0: none. */
  readonly sigma: number;
  /** Scale: larger gives larger regions. Units of colour difference times pixels, for values 0..255. */
  readonly k: number;
  /** Pixels of the smallest region. */
  readonly minSize: number;
}

/** Pairs of neighbouring pixels. */
interface Edges {
  /** First pixel * 4 + direction. */
  readonly codes: Uint32Array;
  /** Colour difference. */
  readonly weights: Float32Array;
}

export function felzenszwalb(
  rgb: ArrayLike<number>,
  width: number,
  height: number,
  { sigma, k, minSize }: FelzenszwalbOptions,
): Superpixels {
  const edges = sorted(gridEdges(blur(rgb, width, height, 3, sigma), width, height));
  /** Right, below, below right, above right: each of the 8-neighbour pairs once. */
  const steps = [1, width, width + 1, 1 - width];
  const forest = new Forest(width * height);
  const refused = joinSimilar(forest, edges, steps, k);
  for (const code of refused) {
    const a = forest.find(code >>> 2);
    const b = forest.find((code >>> 2) + steps[code & 3]!);
    if (a !== b && (forest.sizes[a]! < minSize || forest.sizes[b]! < minSize)) forest.join(a, b);
  }
  const roots = new Int32Array(width * height);
  for (let i = 0; i < roots.length; i++) roots[i] = forest.find(i);
  return renumber(roots, width, height);
}

/** Returns the edges between regions that stayed apart, in order. */
function joinSimilar(forest: Forest, { codes, weights }: Edges, steps: readonly number[], k: number): Uint32Array {
  const limits = new Float64Array(forest.sizes.length).fill(k);
  const refused = new Uint32Array(codes.length);
  let count = 0;
  for (let e = 0; e < codes.length; e++) {
    const code = codes[e]!;
    const a = forest.find(code >>> 2);
    const b = forest.find((code >>> 2) + steps[code & 3]!);
    if (a === b) continue;
    const weight = weights[e]!;
    if (weight > limits[a]! || weight > limits[b]!) {
      refused[count++] = code;
      continue;
    }
    const root = forest.join(a, b);
    limits[root] = weight + k / forest.sizes[root]!;
  }
  return refused.subarray(0, count);
}

function gridEdges(rgb: Float32Array, width: number, height: number): Edges {
  const count = 4 * width * height - 3 * (width + height) + 2;
  const codes = new Uint32Array(count);
  const weights = new Float32Array(count);
  let e = 0;
  const add = (a: number, b: number, direction: number) => {
    const dr = rgb[a * 3]! - rgb[b * 3]!;
    const dg = rgb[a * 3 + 1]! - rgb[b * 3 + 1]!;
    const db = rgb[a * 3 + 2]! - rgb[b * 3 + 2]!;
    codes[e] = a * 4 + direction;
    weights[e++] = Math.sqrt(dr * dr + dg * dg + db * db);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const isLast = x + 1 === width;
      if (!isLast) add(i, i + 1, 0);
      if (y + 1 < height) add(i, i + width, 1);
      if (!isLast && y + 1 < height) add(i, i + width + 1, 2);
      if (!isLast && y > 0) add(i, i - width + 1, 3);
    }
  }
  return { codes, weights };
}

const digitBits = 11;
/** The lowest bits of a weight's mantissa decide nothing: 13 of 23 remain, one part in 8192. */
const spareBits = 10;

/** Ascending by weight, stable: a radix sort, since the bits of non-negative floats sort like integers. */
function sorted({ codes, weights }: Edges): Edges {
  const count = codes.length;
  const mask = (1 << digitBits) - 1;
  let keys: Uint32Array = new Uint32Array(weights.buffer);
  let values: Uint32Array = codes;
  let nextKeys: Uint32Array = new Uint32Array(count);
  let nextValues: Uint32Array = new Uint32Array(count);
  for (let shift = spareBits; shift < 32; shift += digitBits) {
    const starts = new Uint32Array(mask + 2);
    for (let i = 0; i < count; i++) starts[((keys[i]! >>> shift) & mask) + 1]!++;
    for (let d = 1; d < starts.length; d++) starts[d] = starts[d]! + starts[d - 1]!;
    for (let i = 0; i < count; i++) {
      const at = starts[(keys[i]! >>> shift) & mask]!++;
      nextKeys[at] = keys[i]!;
      nextValues[at] = values[i]!;
    }
    [keys, nextKeys, values, nextValues] = [nextKeys, keys, nextValues, values];
  }
  return { codes: values, weights: new Float32Array(keys.buffer as ArrayBuffer) };
}

/** Union-find, by size; `find` halves paths. */
class Forest {
  readonly sizes: Int32Array;
  private readonly parents: Int32Array;

  constructor(count: number) {
    this.sizes = new Int32Array(count).fill(1);
    this.parents = new Int32Array(count);
    for (let i = 0; i < count; i++) this.parents[i] = i;
  }

  find(start: number): number {
    const parents = this.parents;
    let i = start;
    let parent = parents[i]!;
    while (parent !== i) {
      const above = parents[parent]!;
      parents[i] = above;
      i = above;
      parent = parents[i]!;
    }
    return i;
  }

  /** Joins two roots; the new root. */
  join(a: number, b: number): number {
    const root = this.sizes[a]! >= this.sizes[b]! ? a : b;
    const child = a + b - root;
    this.parents[child] = root;
    this.sizes[root] = this.sizes[root]! + this.sizes[child]!;
    return root;
  }
}
