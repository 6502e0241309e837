/** Merges what comes back with shards into the scores of a phase. Pure. */
import type { WorkMetrics } from "../shared/data/work-metrics.js";
import { type EvalCounts, mergeCounts, type Scores, scoresOf } from "../shared/math/scores.js";

type CountsKey = "cam" | "labels" | "ellipse" | "free" | "gated";

/** Null when no shard had anything to count. */
export function mergedScores(
  metrics: readonly WorkMetrics[],
  key: CountsKey,
  classes: readonly string[],
): Scores | null {
  const counts = metrics.map((one) => one[key]).filter((one): one is EvalCounts => one !== undefined);
  if (counts.length === 0) return null;
  const total = counts.reduce(mergeCounts);
  return total.images === 0 ? null : scoresOf(total, classes);
}

/** Mean share of pixels that changed per image; null when nothing was refined. */
export function meanChange(metrics: readonly WorkMetrics[], images: number): number | null {
  const sums = metrics.map((one) => one.changedSum).filter((one): one is number => one !== undefined);
  return sums.length === 0 || images === 0 ? null : sums.reduce((a, b) => a + b, 0) / images;
}

/** Whether the rounds should end after this one, and why; null: go on. */
export function stopRule(changedShare: number | null, changedShareMin: number): string | null {
  if (changedShare === null || changedShareMin <= 0 || changedShare >= changedShareMin) return null;
  const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
  return `labels agree: ${percent(changedShare)} of pixels changed, below rounds.changedShareMin ${percent(changedShareMin)}`;
}
