/**
 * SLIC superpixels (Achanta et al., PAMI 2012): k-means in colour and place, each centre looking no further than two
 * grid steps; then every region is made connected. Cells of roughly equal size, where felzenszwalb.ts gives one region
 * to a whole sky: wanted where regions are counted or compared.
 */
import { toLab } from "./cielab.js";
import { renumber, type Superpixels } from "./superpixels.js";

export interface SlicOptions {
  /** Regions wanted; the grid decides the exact number. */
  readonly count: number;
  /** Weight of place against colour: CIELAB units per grid step. The paper's range is 1..40; 10 by default there. */
  readonly compactness: number;
}

/** The paper finds 10 enough for most images; centres move by less than a pixel after 5 here, at half the time. */
const iterations = 5;

interface Centres {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly lab: Float64Array;
}

export function slic(rgb: ArrayLike<number>, width: number, height: number, options: SlicOptions): Superpixels {
  const lab = toLab(rgb);
  const step = Math.max(1, Math.sqrt((width * height) / options.count));
  const centres = gridCentres(lab, width, height, step);
  const assigned = new Int32Array(width * height);
  for (let i = 0; i < iterations; i++) {
    assign(assigned, lab, width, height, centres, step, options.compactness);
    recentre(centres, assigned, lab, width);
  }
  return connected(assigned, width, height, (step * step) / 4);
}

/** One centre per grid cell, moved to the flattest of its 9 pixels, so that none starts on an edge. */
function gridCentres(lab: Float32Array, width: number, height: number, step: number): Centres {
  const columns = Math.max(1, Math.round(width / step));
  const rows = Math.max(1, Math.round(height / step));
  const count = columns * rows;
  const centres = { x: new Float64Array(count), y: new Float64Array(count), lab: new Float64Array(count * 3) };
  for (let c = 0; c < count; c++) {
    const column = Math.floor((((c % columns) + 0.5) * width) / columns);
    const row = Math.floor(((Math.floor(c / columns) + 0.5) * height) / rows);
    const at = flattest(lab, width, height, column, row);
    centres.x[c] = at % width;
    centres.y[c] = Math.floor(at / width);
    for (let k = 0; k < 3; k++) centres.lab[c * 3 + k] = lab[at * 3 + k]!;
  }
  return centres;
}

function flattest(lab: Float32Array, width: number, height: number, column: number, row: number): number {
  let best = row * width + column;
  let bestSlope = Number.POSITIVE_INFINITY;
  for (let y = Math.max(1, row - 1); y <= Math.min(height - 2, row + 1); y++) {
    for (let x = Math.max(1, column - 1); x <= Math.min(width - 2, column + 1); x++) {
      const i = y * width + x;
      const slope = squaredColour(lab, i - 1, lab, i + 1) + squaredColour(lab, i - width, lab, i + width);
      if (slope < bestSlope) [best, bestSlope] = [i, slope];
    }
  }
  return best;
}

function squaredColour(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
  const dl = a[i * 3]! - b[j * 3]!;
  const da = a[i * 3 + 1]! - b[j * 3 + 1]!;
  const db = a[i * 3 + 2]! - b[j * 3 + 2]!;
  return dl * dl + da * da + db * db;
}

function assign(
  assigned: Int32Array,
  lab: Float32Array,
  width: number,
  height: number,
  centres: Centres,
  step: number,
  compactness: number,
): void {
  const nearest = new Float64Array(assigned.length).fill(Number.POSITIVE_INFINITY);
  const placeWeight = (compactness / step) ** 2;
  for (let c = 0; c < centres.x.length; c++) {
    const cx = centres.x[c]!;
    const cy = centres.y[c]!;
    const [cl, ca, cb] = [centres.lab[c * 3]!, centres.lab[c * 3 + 1]!, centres.lab[c * 3 + 2]!];
    const right = Math.min(width - 1, Math.floor(cx + step));
    const bottom = Math.min(height - 1, Math.floor(cy + step));
    for (let y = Math.max(0, Math.ceil(cy - step)); y <= bottom; y++) {
      const row = placeWeight * (y - cy) * (y - cy);
      for (let x = Math.max(0, Math.ceil(cx - step)); x <= right; x++) {
        const i = y * width + x;
        const dl = lab[i * 3]! - cl;
        const da = lab[i * 3 + 1]! - ca;
        const db = lab[i * 3 + 2]! - cb;
        const distance = dl * dl + da * da + db * db + row + placeWeight * (x - cx) * (x - cx);
        if (distance >= nearest[i]!) continue;
        nearest[i] = distance;
        assigned[i] = c;
      }
    }
  }
}

/** Centres go to the mean of their pixels; one that lost all of them stays. */
function recentre(centres: Centres, assigned: Int32Array, lab: Float32Array, width: number): void {
  const sums = new Float64Array(centres.x.length * 6);
  for (let i = 0; i < assigned.length; i++) {
    const at = assigned[i]! * 6;
    sums[at] = sums[at]! + 1;
    sums[at + 1] = sums[at + 1]! + (i % width);
    sums[at + 2] = sums[at + 2]! + Math.floor(i / width);
    for (let k = 0; k < 3; k++) sums[at + 3 + k] = sums[at + 3 + k]! + lab[i * 3 + k]!;
  }
  for (let c = 0; c < centres.x.length; c++) {
    const count = sums[c * 6]!;
    if (count === 0) continue;
    centres.x[c] = sums[c * 6 + 1]! / count;
    centres.y[c] = sums[c * 6 + 2]! / count;
    for (let k = 0; k < 3; k++) centres.lab[c * 3 + k] = sums[c * 6 + 3 + k]! / count;
  }
}

/** Pieces of a region that hang apart become regions of their own; those below `sizeMin` join the one before them. */
function connected(assigned: Int32Array, width: number, height: number, sizeMin: number): Superpixels {
  const names = new Int32Array(assigned.length).fill(-1);
  const stack = new Int32Array(assigned.length);
  let next = 0;
  for (let start = 0; start < assigned.length; start++) {
    if (names[start]! >= 0) continue;
    const before = start % width > 0 ? names[start - 1]! : start >= width ? names[start - width]! : -1;
    const size = flood(names, assigned, start, next, width, height, stack);
    if (size >= sizeMin || before < 0) next++;
    else for (let i = 0; i < size; i++) names[stack[i]!] = before;
  }
  return renumber(names, width, height);
}

/** Names the connected piece around `start`; its pixels are the first of `stack`. Returns how many. */
function flood(
  names: Int32Array,
  assigned: Int32Array,
  start: number,
  name: number,
  width: number,
  height: number,
  stack: Int32Array,
): number {
  const own = assigned[start]!;
  let size = 0;
  const visit = (i: number) => {
    if (names[i]! >= 0 || assigned[i] !== own) return;
    names[i] = name;
    stack[size++] = i;
  };
  visit(start);
  for (let done = 0; done < size; done++) {
    const i = stack[done]!;
    const x = i % width;
    if (x > 0) visit(i - 1);
    if (x + 1 < width) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i + width < width * height) visit(i + width);
  }
  return size;
}
