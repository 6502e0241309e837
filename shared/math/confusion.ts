/**
 * Confusion counts over label maps, and the scores that follow from their sum over a data set (mmsegmentation's
 * IoUMetric does the same). Counts add up across images, shards and workers; scores do not, so only counts travel.
 *
 * Layout: counts[truth * (K + 2) + predicted], K = number of classes; rows 0..K (0 is background), columns 0..K and one
 * more for pixels the prediction leaves open (255): they miss their true class and are charged to no other.
 * Pixels whose truth is 255 are not counted.
 */
import { AppError } from "../errors.js";

const IGNORE = 255;

/** Plain numbers, so that they go through JSON. */
export type Confusion = number[];

export function emptyConfusion(classCount: number): Confusion {
  return new Array<number>((classCount + 1) * (classCount + 2)).fill(0);
}

/**
 * Adds one image's pixels to `counts`, in place.
 * @throws AppError MASK_INVALID when a label is neither 0..classCount nor 255.
 */
export function addConfusion(counts: Confusion, classCount: number, truth: Uint8Array, predicted: Uint8Array): void {
  const joint = new Uint32Array(256 * 256);
  for (let i = 0; i < truth.length; i++) joint[(truth[i]! << 8) | predicted[i]!]!++;
  for (let key = 0; key < joint.length; key++) if (joint[key]! > 0) checkLabels(key >> 8, key & 255, classCount);
  for (let row = 0; row <= classCount; row++) {
    const start = row * (classCount + 2);
    for (let column = 0; column <= classCount; column++) counts[start + column]! += joint[(row << 8) | column]!;
    counts[start + classCount + 1]! += joint[(row << 8) | IGNORE]!;
  }
}

export function mergeConfusions(a: readonly number[], b: readonly number[]): Confusion {
  if (a.length !== b.length) throw new AppError("INTERNAL", `cannot merge ${a.length} and ${b.length} counts`);
  return a.map((count, i) => count + b[i]!);
}

/** IoU of classes 0..K; null where neither truth nor prediction has the class. */
export function iouPerClass(counts: readonly number[], classCount: number): (number | null)[] {
  return Array.from({ length: classCount + 1 }, (_, id) => {
    const { hits, truth, predicted } = totalsOf(counts, classCount, id);
    return ratio(hits, truth + predicted - hits);
  });
}

/** Precision and recall of foreground pixels: a pixel is right when its class is, not only when it is foreground. */
export function foregroundPrecisionRecall(counts: readonly number[], classCount: number) {
  const sum = { hits: 0, truth: 0, predicted: 0 };
  for (let id = 1; id <= classCount; id++) {
    const { hits, truth, predicted } = totalsOf(counts, classCount, id);
    sum.hits += hits;
    sum.truth += truth;
    sum.predicted += predicted;
  }
  return { precision: ratio(sum.hits, sum.predicted), recall: ratio(sum.hits, sum.truth) };
}

/** Mean of the values that exist; null when none does. */
export function meanOfKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return ratio(
    known.reduce((sum, value) => sum + value, 0),
    known.length,
  );
}

export function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function totalsOf(counts: readonly number[], classCount: number, id: number) {
  const columns = classCount + 2;
  let truth = 0;
  let predicted = 0;
  for (let column = 0; column < columns; column++) truth += counts[id * columns + column]!;
  for (let row = 0; row <= classCount; row++) predicted += counts[row * columns + id]!;
  return { hits: counts[id * columns + id]!, truth, predicted };
}

function checkLabels(truth: number, predicted: number, classCount: number): void {
  const isLabel = (label: number) => label <= classCount || label === IGNORE;
  if (isLabel(truth) && isLabel(predicted)) return;
  const [whose, label] = isLabel(truth) ? ["predicted", predicted] : ["true", truth];
  throw new AppError("MASK_INVALID", `a ${whose} label is ${label}; expected 0..${classCount}, or 255 for ignore`);
}
