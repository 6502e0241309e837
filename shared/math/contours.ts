/**
 * Two scores that look at contours alone, beside Boundary IoU (boundary.ts):
 *
 *   trimap curve  IoU inside a band around the TRUE contour, for several half-widths (Kohli 2009; as DeepLab plots it)
 *   boundary F    precision and recall of contour pixels within a tolerance of 0.8 % of the diagonal (DAVIS, Perazzi
 *                 2016: bound_th 0.008, disk)
 *
 * Counts add up over images and workers, and the sum is divided once. (DAVIS averages F over images; sums do not depend
 * on who counted what.) The image's frame is no contour here: both masks end there. Pixels whose truth is 255 do not
 * count, nor does the rim of such a region; the prediction's contours inside it do not count either.
 */
import { AppError } from "../errors.js";
import { meanOfKnown, ratio } from "./confusion.js";

const IGNORE = 255;
/** Half-widths of the trimap's bands, pixels. */
export const trimapWidths = [1, 2, 4, 8, 16, 32] as const;
const toleranceShare = 0.008;

/** Plain numbers per class id 0..K: survives JSON, can be merged in any order. */
export interface ContourCounts {
  readonly classCount: number;
  /** Pixels per half-width. */
  readonly trimap: { readonly intersections: number[]; readonly unions: number[] }[];
  /** Contour pixels, and how many of them have a contour pixel of the other mask near. */
  readonly truth: number[];
  readonly truthFound: number[];
  readonly predicted: number[];
  readonly predictedRight: number[];
}

export interface ContourScores {
  /** Mean IoU over the classes with a contour (without background), per half-width; null where no class has one. */
  readonly trimap: { readonly width: number; readonly miou: number | null }[];
  /** Mean over classes (without background); null where no class has a contour. */
  readonly boundaryF: number | null;
  readonly boundaryFByClass: Readonly<Record<string, number | null>>;
}

export function emptyContours(classCount: number): ContourCounts {
  const zeros = () => new Array<number>(classCount + 1).fill(0);
  return {
    classCount,
    trimap: trimapWidths.map(() => ({ intersections: zeros(), unions: zeros() })),
    truth: zeros(),
    truthFound: zeros(),
    predicted: zeros(),
    predictedRight: zeros(),
  };
}

/** Adds one image to `counts`, in place. Maps are [height, width]; labels are 0..K, or 255 (in truth). */
export function countContours(
  counts: ContourCounts,
  truth: Uint8Array,
  predicted: Uint8Array,
  width: number,
  height: number,
): void {
  const size = width * height;
  if (truth.length !== size || predicted.length !== size) {
    throw new AppError("INTERNAL", `${truth.length} and ${predicted.length} labels for ${width}x${height} pixels`);
  }
  addTrimap(counts, truth, predicted, width, height);
  const tolerance = Math.ceil(toleranceShare * Math.hypot(width, height));
  for (const id of new Set([...new Set(truth), ...new Set(predicted)])) {
    // Background's contour is that of the classes; nobody scores it.
    if (id > 0 && id <= counts.classCount) addContour(counts, id, truth, predicted, width, height, tolerance);
  }
}

export function mergeContours(a: ContourCounts, b: ContourCounts): ContourCounts {
  const sum = (x: readonly number[], y: readonly number[]) => x.map((value, i) => value + y[i]!);
  return {
    classCount: a.classCount,
    trimap: a.trimap.map(({ intersections, unions }, i) => ({
      intersections: sum(intersections, b.trimap[i]!.intersections),
      unions: sum(unions, b.trimap[i]!.unions),
    })),
    truth: sum(a.truth, b.truth),
    truthFound: sum(a.truthFound, b.truthFound),
    predicted: sum(a.predicted, b.predicted),
    predictedRight: sum(a.predictedRight, b.predictedRight),
  };
}

/** `classes` in the order of their ids (id = index + 1). */
export function contourScores(counts: ContourCounts, classes: readonly string[]): ContourScores {
  const ids = classes.map((_, i) => i + 1);
  const values = ids.map((id) => boundaryF(counts, id));
  return {
    trimap: counts.trimap.map(({ intersections, unions }, i) => ({
      width: trimapWidths[i]!,
      miou: meanOfKnown(ids.map((id) => ratio(intersections[id]!, unions[id]!))),
    })),
    boundaryF: meanOfKnown(values),
    boundaryFByClass: Object.fromEntries(classes.map((name, i) => [name, values[i]!])),
  };
}

/** 2 P R / (P + R) = harmonic mean; null where neither mask has a contour, 0 where only one has. */
function boundaryF({ truth, truthFound, predicted, predictedRight }: ContourCounts, id: number): number | null {
  if (truth[id]! + predicted[id]! === 0) return null;
  const precision = ratio(predictedRight[id]!, predicted[id]!) ?? 0;
  const recall = ratio(truthFound[id]!, truth[id]!) ?? 0;
  return ratio(2 * precision * recall, precision + recall) ?? 0;
}

function addTrimap(counts: ContourCounts, truth: Uint8Array, predicted: Uint8Array, width: number, height: number) {
  const contour = new Uint8Array(truth.length);
  forEachBorder(truth, width, (i, j) => {
    contour[i] = contour[j] = 1;
  });
  const squares = squaredDistances(contour, width, height);
  for (let i = 0; i < truth.length; i++) {
    const t = truth[i]!;
    if (t === IGNORE) continue;
    const p = predicted[i]!;
    for (let w = trimapWidths.length - 1; w >= 0; w--) {
      /** Contour pixels are at distance 0: the band of half-width 1 is one pixel on each side. */
      if (squares[i]! >= trimapWidths[w]! ** 2) break;
      const { intersections, unions } = counts.trimap[w]!;
      unions[t]!++;
      if (p === t) intersections[t]!++;
      else if (p <= counts.classCount) unions[p]!++;
    }
  }
}

function addContour(
  counts: ContourCounts,
  id: number,
  truth: Uint8Array,
  predicted: Uint8Array,
  width: number,
  height: number,
  tolerance: number,
): void {
  const own = contourOf(truth, truth, id, width);
  const other = contourOf(predicted, truth, id, width);
  const near = (contour: Uint8Array, target: Uint8Array) => {
    const squares = squaredDistances(target, width, height);
    let found = 0;
    for (let i = 0; i < contour.length; i++) if (contour[i] && squares[i]! <= tolerance * tolerance) found++;
    return found;
  };
  const total = (contour: Uint8Array) => contour.reduce((sum, is) => sum + is, 0);
  const [truths, guesses] = [total(own), total(other)];
  counts.truth[id]! += truths;
  counts.predicted[id]! += guesses;
  if (truths === 0 || guesses === 0) return;
  counts.truthFound[id]! += near(own, other);
  counts.predictedRight[id]! += near(other, own);
}

/** Pixels of the class with a neighbour of another one, where both are known in `truth`. */
function contourOf(labels: Uint8Array, truth: Uint8Array, id: number, width: number): Uint8Array {
  const contour = new Uint8Array(labels.length);
  forEachBorder(labels, width, (i, j) => {
    if (truth[i] === IGNORE || truth[j] === IGNORE) return;
    if (labels[i] === id) contour[i] = 1;
    if (labels[j] === id) contour[j] = 1;
  });
  return contour;
}

/** Pairs of 4-neighbours with different labels, neither of them 255. */
function forEachBorder(labels: Uint8Array, width: number, report: (i: number, j: number) => void): void {
  const compare = (i: number, j: number) => {
    if (labels[i] !== labels[j] && labels[i] !== IGNORE && labels[j] !== IGNORE) report(i, j);
  };
  for (let i = 0; i < labels.length; i++) {
    if ((i + 1) % width !== 0) compare(i, i + 1);
    if (i + width < labels.length) compare(i, i + width);
  }
}

/** More than any image's squared diagonal; still exact when a squared length is added. */
const far = 2 ** 40;

/** Squared Euclidean distance of every pixel to the nearest 1, exact (Felzenszwalb and Huttenlocher 2012). */
export function squaredDistances(mask: Uint8Array, width: number, height: number): Float64Array {
  const squares = Float64Array.from(mask, (is) => (is ? 0 : far));
  for (let x = 0; x < width; x++) lowerEnvelope(squares, x, width, height);
  for (let y = 0; y < height; y++) lowerEnvelope(squares, y * width, 1, width);
  return squares;
}

/** One line: min over j of (i - j)^2 + value[j], in linear time, as the lower envelope of parabolas. */
function lowerEnvelope(squares: Float64Array, start: number, stride: number, count: number): void {
  const values = Float64Array.from({ length: count }, (_, i) => squares[start + i * stride]!);
  const apexes = new Int32Array(count);
  const starts = new Float64Array(count + 1);
  let last = 0;
  starts[0] = Number.NEGATIVE_INFINITY;
  const meet = (a: number, b: number) => (values[b]! - values[a]! + b * b - a * a) / (2 * (b - a));
  for (let i = 1; i < count; i++) {
    while (last > 0 && meet(apexes[last]!, i) <= starts[last]!) last--;
    const from = meet(apexes[last]!, i);
    apexes[++last] = i;
    starts[last] = from;
  }
  starts[last + 1] = Number.POSITIVE_INFINITY;
  for (let i = 0, at = 0; i < count; i++) {
    while (starts[at + 1]! < i) at++;
    squares[start + i * stride] = (i - apexes[at]!) ** 2 + values[apexes[at]!]!;
  }
}
