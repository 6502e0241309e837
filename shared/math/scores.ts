/**
 * Segmentation scores of a data set. Workers count (`countImage`), counts add up (`mergeCounts`), and only the sum is
 * turned into scores (`scoresOf`): a mean of per-worker means would depend on who got which image.
 *
 * K = number of classes; label 0 is background, 1..K the classes, 255 ignore (docs/METRICS.md).
 */
import { AppError } from "../errors.js";
import { addBoundary } from "./boundary.js";
import {
  addConfusion,
  type Confusion,
  emptyConfusion,
  foregroundPrecisionRecall,
  iouPerClass,
  meanOfKnown,
  mergeConfusions,
  ratio,
} from "./confusion.js";
import {
  type ContourCounts,
  type ContourScores,
  contourScores,
  countContours,
  emptyContours,
  mergeContours,
} from "./contours.js";

/** Plain numbers: survives JSON, can be merged in any order. */
export interface EvalCounts {
  readonly classCount: number;
  images: number;
  /** See confusion.ts for the layout. Pixels. */
  readonly confusion: Confusion;
  /** Band pixels per class id 0..K. */
  readonly boundary: { readonly intersections: number[]; readonly unions: number[] };
  /** Null where nobody asked for them: they take longer than all the rest. */
  readonly contours: ContourCounts | null;
}

/** All 0..1; null where no image has what the score is about. Object keys are class names. */
export interface Scores {
  readonly images: number;
  /** Mean IoU over background and classes. */
  readonly miou: number | null;
  /** Mean IoU over classes. */
  readonly fgMiou: number | null;
  /** Mean Boundary IoU over classes. */
  readonly boundaryIou: number | null;
  /** Of foreground pixels, class included. */
  readonly precision: number | null;
  readonly recall: number | null;
  readonly iou: Readonly<Record<string, number | null>>;
  readonly backgroundIou: number | null;
  readonly boundaryIouByClass: Readonly<Record<string, number | null>>;
  /** Boundary F and the trimap curve; null where they were not counted. */
  readonly contours: ContourScores | null;
}

export function emptyCounts(classCount: number, wanted: { readonly contours?: boolean } = {}): EvalCounts {
  const zeros = () => new Array<number>(classCount + 1).fill(0);
  return {
    classCount,
    images: 0,
    confusion: emptyConfusion(classCount),
    boundary: { intersections: zeros(), unions: zeros() },
    contours: wanted.contours ? emptyContours(classCount) : null,
  };
}

/**
 * Adds one image to `counts`, in place. Maps are [height, width].
 * @throws AppError MASK_INVALID when a label is neither 0..K nor 255; `counts` is then unchanged.
 */
export function countImage(
  counts: EvalCounts,
  truth: Uint8Array,
  predicted: Uint8Array,
  width: number,
  height: number,
): void {
  if (truth.length !== width * height || predicted.length !== truth.length) {
    throw new AppError("INTERNAL", `${truth.length} and ${predicted.length} labels for ${width}x${height} pixels`);
  }
  addConfusion(counts.confusion, counts.classCount, truth, predicted);
  addBoundary(counts.boundary, truth, predicted, width, height);
  if (counts.contours) countContours(counts.contours, truth, predicted, width, height);
  counts.images += 1;
}

export function mergeCounts(a: EvalCounts, b: EvalCounts): EvalCounts {
  return {
    classCount: a.classCount,
    images: a.images + b.images,
    confusion: mergeConfusions(a.confusion, b.confusion),
    boundary: {
      intersections: mergeConfusions(a.boundary.intersections, b.boundary.intersections),
      unions: mergeConfusions(a.boundary.unions, b.boundary.unions),
    },
    contours: mergedContours(a, b),
  };
}

/** Contours of one half alone would be scores of fewer images than they claim: without images in the other, they are all. */
function mergedContours(a: EvalCounts, b: EvalCounts): ContourCounts | null {
  if (a.contours && b.contours) return mergeContours(a.contours, b.contours);
  if (a.images === 0 || b.images === 0) return a.contours ?? b.contours;
  return null;
}

/** `classes` in the order of their ids (id = index + 1). */
export function scoresOf(counts: EvalCounts, classes: readonly string[]): Scores {
  const { classCount, confusion, boundary } = counts;
  const [backgroundIou = null, ...ious] = iouPerClass(confusion, classCount);
  const boundaryIous = classes.map((_, i) => ratio(boundary.intersections[i + 1]!, boundary.unions[i + 1]!));
  return {
    images: counts.images,
    miou: meanOfKnown([backgroundIou, ...ious]),
    fgMiou: meanOfKnown(ious),
    boundaryIou: meanOfKnown(boundaryIous),
    ...foregroundPrecisionRecall(confusion, classCount),
    iou: byName(classes, ious),
    backgroundIou,
    boundaryIouByClass: byName(classes, boundaryIous),
    contours: counts.contours && contourScores(counts.contours, classes),
  };
}

function byName(classes: readonly string[], values: readonly (number | null)[]): Record<string, number | null> {
  return Object.fromEntries(classes.map((name, i) => [name, values[i] ?? null]));
}
