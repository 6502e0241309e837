/**
 * Boundary IoU (Cheng et al., CVPR 2021): IoU of the two bands of pixels within `distance` of each mask's own contour.
 * Constants after github.com/bowenc0221/boundary-iou-api: distance = 2 % of the image diagonal; everything outside the
 * image is background, so that an object cut by the frame has a contour there.
 *
 * Per class; intersections and unions are summed over the data set before dividing, like a confusion matrix.
 * A pixel belongs to its own class's band exactly when the (2 distance + 1)^2 window around it holds another label. So
 * one separable pass serves all classes, whatever their number and the distance (the reference erodes `distance` times
 * per class). Pixels whose truth is 255 are left out of the sums.
 */

const IGNORE = 255;
/** COCO's and LVIS's ratio; Cityscapes uses 0.005. */
const distanceRatio = 0.02;

/** Pixels, at least 1. */
export function boundaryDistance(width: number, height: number): number {
  return Math.max(1, Math.round(distanceRatio * Math.hypot(width, height)));
}

/** 1 where a pixel lies within `distance` (chessboard) of another label or of the image's outside; [height, width]. */
export function boundaryBand(labels: Uint8Array, width: number, height: number, distance: number): Uint8Array {
  // Labels of pixels whose row neighbourhood is of one label; -1 for the others.
  const level = new Int16Array(labels.length).fill(-1);
  const band = new Uint8Array(labels.length).fill(1);
  for (let y = 0; y < height; y++) {
    forEachRun(labels, y * width, 1, width, distance, (from, to, label) => level.fill(label, from, to));
  }
  for (let x = 0; x < width; x++) {
    forEachRun(level, x, width, height, distance, (from, to, label) => {
      if (label >= 0) for (let i = from; i < to; i += width) band[i] = 0;
    });
  }
  return band;
}

/** Adds one image to the sums per class id (0..K), in place. Labels above K must have been refused before. */
export function addBoundary(
  sums: { readonly intersections: number[]; readonly unions: number[] },
  truth: Uint8Array,
  predicted: Uint8Array,
  width: number,
  height: number,
): void {
  const distance = boundaryDistance(width, height);
  const truthBand = boundaryBand(truth, width, height, distance);
  const predictedBand = boundaryBand(predicted, width, height, distance);
  const intersections = new Uint32Array(256);
  const unions = new Uint32Array(256);
  for (let i = 0; i < truth.length; i++) {
    const t = truth[i]!;
    if (t === IGNORE) continue;
    const p = predicted[i]!;
    const both = t === p ? truthBand[i]! & predictedBand[i]! : 0;
    intersections[t]! += both;
    unions[t]! += truthBand[i]!;
    unions[p]! += predictedBand[i]! - both;
  }
  for (let id = 0; id < sums.unions.length; id++) {
    sums.intersections[id]! += intersections[id]!;
    sums.unions[id]! += unions[id]!;
  }
}

/**
 * Walks one line (`count` values, `stride` apart) and reports, per run of equal values, the indices [from, to) that keep
 * `margin` values of the same run on both sides. The line's ends end a run.
 */
function forEachRun(
  values: Uint8Array | Int16Array,
  start: number,
  stride: number,
  count: number,
  margin: number,
  report: (from: number, to: number, value: number) => void,
): void {
  let runStart = 0;
  for (let i = 1; i <= count; i++) {
    const value = values[start + runStart * stride]!;
    if (i < count && values[start + i * stride] === value) continue;
    const from = runStart + margin;
    const to = i - margin;
    if (from < to) report(start + from * stride, start + to * stride, value);
    runStart = i;
  }
}
