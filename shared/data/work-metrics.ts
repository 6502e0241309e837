/** What comes back with a piece of work besides its outputs: small, mergeable numbers. */
import type { EvalCounts } from "../math/scores.js";

export interface WorkMetrics {
  /** Seeds: the thresholded CAM against the true training masks, where there are any. */
  readonly cam?: EvalCounts;
  /** Seeds and refining: the new labels against the true training masks. */
  readonly labels?: EvalCounts;
  /** A centred ellipse with the true tag, on the same images: what knowing only the tag is worth. */
  readonly ellipse?: EvalCounts;
  /** Evaluating: predictions that may use every class, and predictions told the tags. */
  readonly free?: EvalCounts;
  readonly gated?: EvalCounts;
  /** Refining: sum over images of the share of pixels that changed. */
  readonly changedSum?: number;
  /** Refining: images whose labels a drift guard kept, and why. */
  readonly kept?: readonly { readonly path: string; readonly reason: string }[];
  /** Seeds: images the classifier is sure do not show their tag. */
  readonly doubtful?: readonly { readonly path: string; readonly scores: readonly number[] }[];
  /** Live tensors in the compute thread after the work. */
  readonly tensors?: number;
}
