/** What comes back with a piece of work besides its outputs: small, mergeable numbers. */
import { z } from "zod";
import { AppError } from "../errors.js";
import { localStepsMax, workersMax } from "../limits.js";
import { type EvalCounts, emptyCounts } from "../math/scores.js";
import { CLASS_COUNT_MAX } from "./manifest.js";

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
  /** Sharded training: workers that did not give what was needed of them; the work was not done. */
  readonly missing?: readonly string[];
  /** Sharded training: what number of which sum is NaN or infinite. */
  readonly notFinite?: string;
  /** Sharded training: mean loss of the step that was applied. */
  readonly loss?: number;
  /** Local training: mean loss of each of the replica's steps. */
  readonly losses?: readonly number[];
  /** Sharded training: bytes pulled from other workers for this piece of work. */
  readonly pulledBytes?: number;
  /** Of these, what others were asked for before they had it. */
  readonly pulledAheadBytes?: number;
  /** Training: how long the compute thread waited for photos and labels alone, the weights being there, milliseconds. */
  readonly inputMs?: number;
}

const count = z.number().nonnegative();
const countsSchema = z
  .looseObject({ classCount: z.int().min(1).max(CLASS_COUNT_MAX), contours: z.unknown() })
  .refine((counts) => {
    return hasForm(counts, emptyCounts(counts.classCount, { contours: counts.contours !== null }));
  }, "tables of another form than the number of classes asks for");

/** Whether numbers are where the example has numbers, in lists of the same lengths: only such counts can be merged. */
function hasForm(value: unknown, example: unknown): boolean {
  if (example === null) return value === null;
  if (typeof example === "number") return typeof value === "number" && Number.isFinite(value) && value >= 0;
  if (value === null || typeof value !== "object") return false;
  if (Array.isArray(example) && (!Array.isArray(value) || value.length !== example.length)) return false;
  return Object.entries(example as object).every(([key, part]) => {
    return Object.hasOwn(value, key) && hasForm((value as Record<string, unknown>)[key], part);
  });
}

const workMetricsSchema = z.object({
  cam: countsSchema.optional(),
  labels: countsSchema.optional(),
  ellipse: countsSchema.optional(),
  free: countsSchema.optional(),
  gated: countsSchema.optional(),
  changedSum: count.optional(),
  kept: z.array(z.object({ path: z.string(), reason: z.string() })).optional(),
  doubtful: z.array(z.object({ path: z.string(), scores: z.array(z.number()) })).optional(),
  tensors: count.optional(),
  missing: z.array(z.string()).max(workersMax).optional(),
  notFinite: z.string().max(200).optional(),
  loss: z.number().optional(),
  losses: z.array(z.number()).max(localStepsMax).optional(),
  pulledBytes: count.optional(),
  pulledAheadBytes: count.optional(),
  inputMs: count.optional(),
});

/** @throws AppError MESSAGE_INVALID */
export function parseWorkMetrics(json: string): WorkMetrics {
  try {
    return workMetricsSchema.parse(JSON.parse(json || "{}")) as unknown as WorkMetrics;
  } catch (cause) {
    throw new AppError("MESSAGE_INVALID", "the metrics of a result cannot be read", { cause });
  }
}
