/**
 * The labels of a map stretched to a photo, without the stretched map: 21 classes of 12 megapixels would be a gigabyte. Where the four
 * cells around a pixel agree on the largest channel, so does every mean of them, and most pixels of a mask lie inside of something.
 */
import { argMax, type Grid, type Taps, tapsOf } from "./images.js";

/** A cell's winner leads by this share of all its values, 16 times what float32 can round away: no pixel in between is a tie. */
const clearLead = 1e-6;
/** And by this: numbers smaller than float32's least normal one are rounded by more than a share. */
const leastLead = 2 ** -126;
const none = -1;

/** What `argMax(resize(map, from, height, width), from.channels, names)` gives, [height, width]. */
export function stretchedArgMax(
  map: Float32Array,
  from: Grid,
  height: number,
  width: number,
  names: readonly number[],
): Uint8Array {
  const c = from.channels;
  if (from.height === height && from.width === width) return argMax(map, c, names);
  const out = new Uint8Array(height * width);
  if (c === 1) return out.fill(names[0]!);
  const winners = clearWinners(map, c);
  const [rows, columns] = [tapsOf(from.height, height), tapsOf(from.width, width)];
  const columnRuns = runsOf(columns);
  for (const { begin, end, low, high } of runsOf(rows)) {
    const [top, bottom] = [low * from.width, high * from.width];
    const unclear: Run[] = [];
    for (const run of columnRuns) {
      const winner = commonWinner(winners, top, bottom, run);
      if (winner === none) unclear.push(run);
      else paint(out, begin * width + run.begin, begin * width + run.end, names[winner]!);
    }
    for (let y = begin; y < end; y++) {
      if (y > begin) out.copyWithin(y * width, begin * width, (begin + 1) * width);
      for (const run of unclear) {
        for (let x = run.begin; x < run.end; x++) {
          const corners = { left: run.low * c, right: run.high * c, top: top * c, bottom: bottom * c };
          out[y * width + x] = names[largestBetween(map, c, corners, columns.rest[x]!, rows.rest[y]!)]!;
        }
      }
    }
  }
  return out;
}

/** Pixels, of one direction, between the same two cells. */
interface Run {
  readonly begin: number;
  readonly end: number;
  readonly low: number;
  readonly high: number;
}

function runsOf({ low, high }: Taps): Run[] {
  const runs: Run[] = [];
  for (let begin = 0, end = 0; begin < low.length; begin = end) {
    while (end < low.length && low[end] === low[begin]) end++;
    runs.push({ begin, end, low: low[begin]!, high: high[begin]! });
  }
  return runs;
}

/** By a loop: runs are a few pixels long, for which `fill` takes longer. */
function paint(out: Uint8Array, begin: number, end: number, label: number): void {
  for (let i = begin; i < end; i++) out[i] = label;
}

function commonWinner(winners: Int16Array, top: number, bottom: number, { low, high }: Run): number {
  const winner = winners[top + low]!;
  const isCommon =
    winner === winners[top + high] && winner === winners[bottom + low] && winner === winners[bottom + high];
  return isCommon ? winner : none;
}

/** Of each cell the channel that leads clearly, or none, as where something is not a finite number. */
function clearWinners(map: Float32Array, channels: number): Int16Array {
  const out = new Int16Array(map.length / channels);
  for (let cell = 0, at = 0; cell < out.length; cell++, at += channels) {
    let best = 0;
    let second = Number.NEGATIVE_INFINITY;
    let sum = Math.abs(map[at]!);
    for (let k = 1; k < channels; k++) {
      const value = map[at + k]!;
      sum += Math.abs(value);
      if (value > map[at + best]!) {
        second = map[at + best]!;
        best = k;
      } else if (value > second) second = value;
    }
    out[cell] = map[at + best]! - second > clearLead * sum + leastLead ? best : none;
  }
  return out;
}

interface Corners {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The largest channel of one pixel, rounded as `resize` does. `u`, `v`: weights of the right and of the bottom. */
function largestBetween(
  map: Float32Array,
  channels: number,
  { left, right, top, bottom }: Corners,
  u: number,
  v: number,
): number {
  let best = 0;
  let largest = 0;
  for (let k = 0; k < channels; k++) {
    const upper = map[top + left + k]! * (1 - u) + map[top + right + k]! * u;
    const lower = map[bottom + left + k]! * (1 - u) + map[bottom + right + k]! * u;
    const value = Math.fround(upper * (1 - v) + lower * v);
    if (k > 0 && !(value > largest)) continue;
    largest = value;
    best = k;
  }
  return best;
}
