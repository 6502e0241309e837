/**
 * Graph-based segmentation (Felzenszwalb and Huttenlocher, IJCV 2004), the superpixels MCOF starts from. Neighbouring
 * pixels are joined in the order of their colour difference, as long as it is at most the largest difference inside
 * either region plus k / area: large regions need better evidence. Regions below `minSize` then join their most similar
 * neighbour. As the authors' code, edges are sorted exactly (radix sort on the bits) and ties keep scan order, so the
 * result is a function of the photo alone.
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

interface Edges {
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly weights: Float32Array;
}

export function felzenszwalb(
  rgb: ArrayLike<number>,
  width: number,
  height: number,
  { sigma, k, minSize }: FelzenszwalbOptions,
): Superpixels {
  const edges = gridEdges(blur(rgb, width, height, 3, sigma), width, height);
  const order = sortedOrder(edges.weights);
  const forest = new Forest(width * height);
  joinSimilar(forest, edges, order, k);
  joinSmall(forest, edges, order, minSize);
  const roots = Int32Array.from({ length: width * height }, (_, i) => forest.find(i));
  return renumber(roots, width, height);
}

function joinSimilar(forest: Forest, { from, to, weights }: Edges, order: Uint32Array, k: number): void {
  const limits = new Float32Array(forest.sizes.length).fill(k);
  for (let i = 0; i < order.length; i++) {
    const e = order[i]!;
    const a = forest.find(from[e]!);
    const b = forest.find(to[e]!);
    const weight = weights[e]!;
    if (a === b || weight > limits[a]! || weight > limits[b]!) continue;
    const root = forest.join(a, b);
    limits[root] = weight + k / forest.sizes[root]!;
  }
}

function joinSmall(forest: Forest, { from, to }: Edges, order: Uint32Array, minSize: number): void {
  for (let i = 0; i < order.length; i++) {
    const e = order[i]!;
    const a = forest.find(from[e]!);
    const b = forest.find(to[e]!);
    if (a !== b && (forest.sizes[a]! < minSize || forest.sizes[b]! < minSize)) forest.join(a, b);
  }
}

/** Right, below, below right, above right of every pixel: each of the 8-neighbour pairs once. */
function gridEdges(rgb: Float32Array, width: number, height: number): Edges {
  const count = 4 * width * height - 3 * (width + height) + 2;
  const edges = { from: new Int32Array(count), to: new Int32Array(count), weights: new Float32Array(count) };
  let e = 0;
  const add = (a: number, b: number) => {
    const dr = rgb[a * 3]! - rgb[b * 3]!;
    const dg = rgb[a * 3 + 1]! - rgb[b * 3 + 1]!;
    const db = rgb[a * 3 + 2]! - rgb[b * 3 + 2]!;
    edges.from[e] = a;
    edges.to[e] = b;
    edges.weights[e++] = Math.sqrt(dr * dr + dg * dg + db * db);
  };
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x + 1 < width) add(i, i + 1);
      if (y + 1 < height) add(i, i + width);
      if (x + 1 < width && y + 1 < height) add(i, i + width + 1);
      if (x + 1 < width && y > 0) add(i, i - width + 1);
    }
  }
  return edges;
}

const digitBits = 11;

/** Indices of non-negative floats in ascending order, ties in index order: their bits sort like integers. */
function sortedOrder(weights: Float32Array): Uint32Array {
  const count = weights.length;
  const mask = (1 << digitBits) - 1;
  let keys = new Uint32Array(weights.buffer).slice();
  let order = Uint32Array.from({ length: count }, (_, i) => i);
  let nextKeys = new Uint32Array(count);
  let nextOrder = new Uint32Array(count);
  for (let shift = 0; shift < 32; shift += digitBits) {
    const starts = new Uint32Array((1 << digitBits) + 1);
    for (let i = 0; i < count; i++) starts[((keys[i]! >>> shift) & mask) + 1]!++;
    for (let d = 1; d < starts.length; d++) starts[d] = starts[d]! + starts[d - 1]!;
    for (let i = 0; i < count; i++) {
      const at = starts[(keys[i]! >>> shift) & mask]!++;
      nextKeys[at] = keys[i]!;
      nextOrder[at] = order[i]!;
    }
    [keys, nextKeys, order, nextOrder] = [nextKeys, keys, nextOrder, order];
  }
  return order;
}

/** Union-find, by size; `find` halves paths. */
class Forest {
  readonly sizes: Int32Array;
  private readonly parents: Int32Array;

  constructor(count: number) {
    this.sizes = new Int32Array(count).fill(1);
    this.parents = Int32Array.from({ length: count }, (_, i) => i);
  }

  find(start: number): number {
    const parents = this.parents;
    let i = start;
    while (parents[i] !== i) {
      parents[i] = parents[parents[i]!]!;
      i = parents[i]!;
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
