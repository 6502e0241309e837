/** Gradients of pooling, image by image: networks have one such layer, if any. */
import { firstOf, zero } from "./part";
import { Window } from "./window";

/** dx = dy where the largest of the window was; of equals the first. A part: some of the images. */
export function maxPoolPart(x: usize, dx: usize, dy: usize, g: Window, part: i32, parts: i32): void {
  const first = begin(dx, g, part, parts);
  const end = firstOf(part + 1, parts, g.batch) * g.outHeight * g.outWidth;
  for (let cell = first; cell < end; cell++) {
    const from = dy + 4 * cell * g.channels;
    let c = 0;
    for (; c + 4 <= g.channels; c += 4) {
      const best = largestOf4(x + 4 * c, g, cell);
      if (i32x4.extract_lane(best, 0) < 0) break;
      addTo(dx + 4 * (i32x4.extract_lane(best, 0) + c), load<f32>(from + 4 * c));
      addTo(dx + 4 * (i32x4.extract_lane(best, 1) + c + 1), load<f32>(from + 4 * c + 4));
      addTo(dx + 4 * (i32x4.extract_lane(best, 2) + c + 2), load<f32>(from + 4 * c + 8));
      addTo(dx + 4 * (i32x4.extract_lane(best, 3) + c + 3), load<f32>(from + 4 * c + 12));
    }
    for (; c < g.channels; c++) {
      const best = largest(x + 4 * c, g, cell);
      if (best >= 0) addTo(dx + 4 * (best + c), load<f32>(from + 4 * c));
    }
  }
}

/** dx = dy, in equal shares among the cells of the window that lie inside. A part: some of the images. */
export function meanPoolPart(dx: usize, dy: usize, g: Window, part: i32, parts: i32): void {
  const taps = g.filterHeight * g.filterWidth;
  const first = begin(dx, g, part, parts);
  const end = firstOf(part + 1, parts, g.batch) * g.outHeight * g.outWidth;
  for (let cell = first; cell < end; cell++) {
    const from = dy + 4 * cell * g.channels;
    let inside = 0;
    for (let tap = 0; tap < taps; tap++) if (source(g, cell, tap) >= 0) inside++;
    const share: f32 = (1 as f32) / (inside as f32);
    for (let tap = 0; tap < taps; tap++) {
      const at = source(g, cell, tap);
      if (at < 0) continue;
      for (let c = 0; c < g.channels; c++) addTo(dx + 4 * (at + c), share * load<f32>(from + 4 * c));
    }
  }
}

/** First output cell of a part, whose images it sets to zero. */
function begin(dx: usize, g: Window, part: i32, parts: i32): i32 {
  const image = firstOf(part, parts, g.batch);
  const bytes = 4 * g.height * g.width * g.channels;
  zero(dx + image * bytes, (firstOf(part + 1, parts, g.batch) - image) * bytes);
  return image * g.outHeight * g.outWidth;
}

/** Sources of a window's largest values in the four channels from `x` on; -1: all of it is padding. */
function largestOf4(x: usize, g: Window, cell: i32): v128 {
  let best = i32x4.splat(-1);
  let values = f32x4.splat(0);
  for (let tap = 0; tap < g.filterHeight * g.filterWidth; tap++) {
    const at = source(g, cell, tap);
    if (at < 0) continue;
    const seen = v128.load(x + 4 * at);
    const isLarger = v128.or(f32x4.gt(seen, values), i32x4.lt_s(best, i32x4.splat(0)));
    best = v128.bitselect(i32x4.splat(at), best, isLarger);
    values = v128.bitselect(seen, values, isLarger);
  }
  return best;
}

function largest(x: usize, g: Window, cell: i32): i32 {
  let best = -1;
  for (let tap = 0; tap < g.filterHeight * g.filterWidth; tap++) {
    const at = source(g, cell, tap);
    if (at >= 0 && (best < 0 || load<f32>(x + 4 * at) > load<f32>(x + 4 * best))) best = at;
  }
  return best;
}

/** First value of the input cell that a tap of an output cell's window sees; -1: it is padding. */
function source(g: Window, cell: i32, tap: i32): i32 {
  const column = (cell % g.outWidth) * g.strideX - g.left + (tap % g.filterWidth) * g.dilationX;
  const rowOfAll = cell / g.outWidth;
  const row = (rowOfAll % g.outHeight) * g.strideY - g.top + (tap / g.filterWidth) * g.dilationY;
  if (row < 0 || row >= g.height || column < 0 || column >= g.width) return -1;
  return (((rowOfAll / g.outHeight) * g.height + row) * g.width + column) * g.channels;
}

function addTo(address: usize, value: f32): void {
  store<f32>(address, load<f32>(address) + value);
}
