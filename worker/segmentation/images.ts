/**
 * Images and maps as typed arrays: what has to happen before a tensor is made or after one was read. Everything is
 * channel-last. Resizing is bilinear with half-pixel centres, as in nn/upsample.ts.
 */

/** A table is looked up in half of the time that divisions take. */
const unitOfByte = Float32Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

/** Square RGB bytes to float32 in [-1, 1], in `out`: the input convention of every backbone here. */
export function toUnit(pixels: Uint8Array, out: Float32Array = new Float32Array(pixels.length)): Float32Array {
  for (let i = 0; i < pixels.length; i++) out[i] = unitOfByte[pixels[i]!]!;
  return out;
}

export interface Grid {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

export interface Taps {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly rest: Float32Array;
}

/** For each of `to` cells: the two source cells and the weight of the second. */
export function tapsOf(from: number, to: number): Taps {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const rest = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    low[i] = Math.floor(at);
    high[i] = Math.min(from - 1, low[i]! + 1);
    rest[i] = at - low[i]!;
  }
  return { low, high, rest };
}

/** Bilinear; for shrinking by more than 2 use `shrink`. To the grid it has: the map itself. */
export function resize(map: Float32Array, from: Grid, height: number, width: number): Float32Array {
  if (from.height === height && from.width === width) return map;
  const c = from.channels;
  const rows = tapsOf(from.height, height);
  const columns = tapsOf(from.width, width);
  const out = new Float32Array(height * width * c);
  let o = 0;
  for (let y = 0; y < height; y++) {
    const top = rows.low[y]! * from.width;
    const bottom = rows.high[y]! * from.width;
    const v = rows.rest[y]!;
    for (let x = 0; x < width; x++) {
      const left = columns.low[x]!;
      const right = columns.high[x]!;
      const u = columns.rest[x]!;
      for (let k = 0; k < c; k++) {
        const upper = map[(top + left) * c + k]! * (1 - u) + map[(top + right) * c + k]! * u;
        const lower = map[(bottom + left) * c + k]! * (1 - u) + map[(bottom + right) * c + k]! * u;
        out[o++] = upper * (1 - v) + lower * v;
      }
    }
  }
  return out;
}

/** Area average of a square map onto `to` x `to` cells, to <= side. */
export function shrink(map: ArrayLike<number>, side: number, channels: number, to: number): Float32Array {
  const across = new Float32Array(side * to * channels);
  averageAxis(map, across, side, side, to, channels);
  const out = new Float32Array(to * to * channels);
  averageAxis(across, out, 1, side, to, to * channels);
  return out;
}

/** [outer, from, inner] -> [outer, to, inner]: each output cell averages the input it covers, edges by their share. */
function averageAxis(
  map: ArrayLike<number>,
  out: Float32Array,
  outer: number,
  from: number,
  to: number,
  inner: number,
): void {
  const span = from / to;
  for (let cell = 0; cell < to; cell++) {
    const begin = cell * span;
    const end = begin + span;
    for (let i = Math.floor(begin); i < Math.min(from, Math.ceil(end - 1e-9)); i++) {
      const weight = (Math.min(end, i + 1) - Math.max(begin, i)) / span;
      for (let o = 0; o < outer; o++) {
        const source = (o * from + i) * inner;
        const target = (o * to + cell) * inner;
        for (let k = 0; k < inner; k++) out[target + k] = out[target + k]! + weight * map[source + k]!;
      }
    }
  }
}

/** The largest channel of each cell. `names`: what to call the channels in place of 0, 1, .. */
export function argMax(map: Float32Array, channels: number, names?: readonly number[]): Uint8Array {
  const out = new Uint8Array(map.length / channels);
  for (let i = 0, at = 0; i < out.length; i++, at += channels) {
    let best = 0;
    let largest = map[at]!;
    for (let k = 1; k < channels; k++) {
      const value = map[at + k]!;
      if (!(value > largest)) continue;
      largest = value;
      best = k;
    }
    out[i] = names ? names[best]! : best;
  }
  return out;
}

/** One channel of a channel-last map. */
export function channel(map: ArrayLike<number>, channels: number, index: number): Float32Array {
  const out = new Float32Array(map.length / channels);
  for (let i = 0; i < out.length; i++) out[i] = map[i * channels + index]!;
  return out;
}

/** Some channels of a channel-last map, in the order given; all in their order: the map itself. */
export function pickChannels(map: Float32Array, channels: number, chosen: readonly number[]): Float32Array {
  const count = chosen.length;
  if (count === channels && chosen.every((id, k) => id === k)) return map;
  const out = new Float32Array((map.length / channels) * count);
  for (let k = 0; k < count; k++) {
    for (let i = 0; i * count < out.length; i++) out[i * count + k] = map[i * channels + chosen[k]!]!;
  }
  return out;
}

/** The largest value of every channel. */
export function maxOfEach(map: Float32Array, channels: number): Float32Array {
  const out = new Float32Array(channels).fill(Number.NEGATIVE_INFINITY);
  for (let at = 0; at < map.length; at += channels) {
    for (let k = 0; k < channels; k++) if (map[at + k]! > out[k]!) out[k] = map[at + k]!;
  }
  return out;
}

export function maxOf(map: ArrayLike<number>): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < map.length; i++) if (map[i]! > max) max = map[i]!;
  return max;
}
