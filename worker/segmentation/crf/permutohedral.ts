/**
 * Gaussian filtering of values at points of any dimension in linear time: the permutohedral lattice (Adams, Baek and
 * Davis, Eurographics 2010), which makes the dense CRF affordable. Points are embedded into the plane sum(x) = 0 of
 * d + 1 dimensions, spread to the d + 1 corners of their lattice simplex with barycentric weights (splat), the lattice
 * is blurred with [1/4, 1/2, 1/4] along its d + 1 axes (blur), and read back at the same corners (slice).
 *
 * As in the authors' code and in densecrf, features must be divided by the wanted deviations beforehand, and the result
 * is the Gaussian sum up to a constant, so normalise by the filter of ones. D = feature dimension, C = channels.
 */

export interface Lattice {
  readonly dimension: number;
  /** Lattice corner of each point's D + 1 vertices, [points, D + 1]. */
  readonly corners: Int32Array;
  /** Barycentric weights, [points, D + 1]; each point's sum to 1. */
  readonly weights: Float32Array;
  /** The two neighbours of every corner along each axis, [D + 1, corners, 2]; -1 where there is none. */
  readonly neighbours: Int32Array;
  readonly cornerCount: number;
}

/** Lattice of points [count, D]. */
export function latticeOf(features: Float32Array, dimension: number): Lattice {
  const count = features.length / dimension;
  const table = new CornerTable(dimension, count * (dimension + 1));
  const corners = new Int32Array(count * (dimension + 1));
  const weights = new Float32Array(count * (dimension + 1));
  const embed = embedding(dimension);
  for (let i = 0; i < count; i++) embed(features, i, table, corners, weights);
  return { dimension, corners, weights, neighbours: table.neighbours(), cornerCount: table.size };
}

/** Filters values [points, C]. */
export function filter(lattice: Lattice, values: Float32Array, channels: number): Float32Array {
  const { corners, weights, dimension, cornerCount } = lattice;
  let grid = new Float32Array(cornerCount * channels);
  for (let v = 0; v < corners.length; v++) {
    const from = Math.floor(v / (dimension + 1)) * channels;
    const to = corners[v]! * channels;
    for (let k = 0; k < channels; k++) grid[to + k] = grid[to + k]! + weights[v]! * values[from + k]!;
  }
  for (let axis = 0; axis <= dimension; axis++) grid = blurAxis(lattice, grid, channels, axis);
  const out = new Float32Array(values.length);
  for (let v = 0; v < corners.length; v++) {
    const to = Math.floor(v / (dimension + 1)) * channels;
    const from = corners[v]! * channels;
    for (let k = 0; k < channels; k++) out[to + k] = out[to + k]! + weights[v]! * grid[from + k]!;
  }
  return out;
}

function blurAxis(
  { neighbours, cornerCount }: Lattice,
  grid: Float32Array,
  channels: number,
  axis: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(grid.length);
  for (let corner = 0; corner < cornerCount; corner++) {
    const before = neighbours[(axis * cornerCount + corner) * 2]! * channels;
    const after = neighbours[(axis * cornerCount + corner) * 2 + 1]! * channels;
    for (let k = 0; k < channels; k++) {
      const sides = (before < 0 ? 0 : grid[before + k]!) + (after < 0 ? 0 : grid[after + k]!);
      out[corner * channels + k] = 0.5 * grid[corner * channels + k]! + 0.25 * sides;
    }
  }
  return out;
}

type Embed = (
  features: Float32Array,
  point: number,
  table: CornerTable,
  corners: Int32Array,
  weights: Float32Array,
) => void;

/** Section 3.1 of the paper; the scale makes the lattice's blur a Gaussian of deviation 1. */
function embedding(d: number): Embed {
  const scales = Float64Array.from({ length: d }, (_, i) => {
    return ((d + 1) * Math.sqrt(2 / 3)) / Math.sqrt((i + 1) * (i + 2));
  });
  const elevated = new Float64Array(d + 1);
  const origin = new Int32Array(d + 1);
  const rank = new Int32Array(d + 1);
  const barycentric = new Float64Array(d + 2);
  const key = new Int32Array(d);
  return (features, point, table, corners, weights) => {
    elevate(features, point * d, scales, elevated);
    nearestOrigin(elevated, origin, rank);
    barycentric.fill(0);
    for (let i = 0; i <= d; i++) {
      const rest = (elevated[i]! - origin[i]!) / (d + 1);
      barycentric[d - rank[i]!] = barycentric[d - rank[i]!]! + rest;
      barycentric[d + 1 - rank[i]!] = barycentric[d + 1 - rank[i]!]! - rest;
    }
    barycentric[0] = barycentric[0]! + 1 + barycentric[d + 1]!;
    for (let remainder = 0; remainder <= d; remainder++) {
      for (let i = 0; i < d; i++) {
        key[i] = origin[i]! + remainder - (rank[i]! > d - remainder ? d + 1 : 0);
      }
      corners[point * (d + 1) + remainder] = table.insert(key);
      weights[point * (d + 1) + remainder] = barycentric[remainder]!;
    }
  };
}

/** Into the plane whose coordinates sum to 0. */
function elevate(features: Float32Array, from: number, scales: Float64Array, out: Float64Array): void {
  const d = scales.length;
  let sum = 0;
  for (let i = d; i > 0; i--) {
    const scaled = features[from + i - 1]! * scales[i - 1]!;
    out[i] = sum - i * scaled;
    sum += scaled;
  }
  out[0] = sum;
}

/** The closest lattice point whose coordinates are multiples of D + 1, and the order of the remainders. */
function nearestOrigin(elevated: Float64Array, origin: Int32Array, rank: Int32Array): void {
  const side = elevated.length;
  let sum = 0;
  for (let i = 0; i < side; i++) {
    origin[i] = Math.round(elevated[i]! / side) * side;
    sum += origin[i]! / side;
  }
  rank.fill(0);
  for (let i = 0; i < side; i++) {
    for (let j = i + 1; j < side; j++) {
      if (elevated[i]! - origin[i]! < elevated[j]! - origin[j]!) rank[i] = rank[i]! + 1;
      else rank[j] = rank[j]! + 1;
    }
  }
  /** Rounding may leave the plane: step back along the coordinates that were rounded the furthest. */
  for (let i = 0; i < side; i++) {
    rank[i] = rank[i]! + sum;
    const turns = rank[i]! < 0 ? 1 : rank[i]! >= side ? -1 : 0;
    rank[i] = rank[i]! + turns * side;
    origin[i] = origin[i]! + turns * side;
  }
}

/** Numbers lattice corners by their first D coordinates (the last follows: they sum to 0). Open addressing. */
class CornerTable {
  size = 0;
  private readonly keys: Int32Array;
  private readonly slots: Int32Array;

  constructor(
    private readonly dimension: number,
    cornersMax: number,
  ) {
    this.keys = new Int32Array(cornersMax * dimension);
    this.slots = new Int32Array(2 ** Math.ceil(Math.log2(2 * cornersMax + 1))).fill(-1);
  }

  insert(key: Int32Array): number {
    const slot = this.slotOf(key);
    if (this.slots[slot]! < 0) {
      this.keys.set(key, this.size * this.dimension);
      this.slots[slot] = this.size++;
    }
    return this.slots[slot]!;
  }

  /** Along axis j a neighbour's coordinates differ by 1 each, and by -D on the axis itself; the last axis is implied. */
  neighbours(): Int32Array {
    const d = this.dimension;
    const out = new Int32Array((d + 1) * this.size * 2);
    const key = new Int32Array(d);
    for (let axis = 0; axis <= d; axis++) {
      for (let corner = 0; corner < this.size; corner++) {
        for (const side of [0, 1]) {
          const sign = side === 0 ? 1 : -1;
          for (let i = 0; i < d; i++) key[i] = this.keys[corner * d + i]! + sign * (i === axis ? -d : 1);
          out[(axis * this.size + corner) * 2 + side] = this.slots[this.slotOf(key)]!;
        }
      }
    }
    return out;
  }

  /** The key's slot, or the free one where it would go. */
  private slotOf(key: Int32Array): number {
    const mask = this.slots.length - 1;
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = Math.imul(hash + key[i]!, 2531011);
    for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
      const corner = this.slots[slot]!;
      if (corner < 0 || this.isAt(corner, key)) return slot;
    }
  }

  private isAt(corner: number, key: Int32Array): boolean {
    for (let i = 0; i < key.length; i++) if (this.keys[corner * key.length + i] !== key[i]) return false;
    return true;
  }
}
