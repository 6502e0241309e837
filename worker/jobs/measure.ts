/** Counts label maps against the true masks, where the data has any. Masks are read here and reach no training code. */

import type { ImageEntry } from "../../shared/data/manifest.js";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { countImage, type EvalCounts, emptyCounts } from "../../shared/math/scores.js";
import { stretchLabels } from "../../shared/math/stretch.js";
import type { JobContext } from "./context.js";

/** True mask of one image, [height, width]; null where there is none. */
export async function maskOf(context: JobContext, entry: ImageEntry): Promise<Uint8Array | null> {
  if (entry.maskDigest === null) return null;
  return readMaskPng(await context.cached(entry.maskDigest)).labels;
}

export interface SquareLabels {
  readonly entry: ImageEntry;
  /** Label maps at the working size, [S, S], by what they are ("labels", "cam"). */
  readonly maps: Readonly<Record<string, Uint8Array>>;
}

/** Counts of every kind of map over the images that have masks; empty when none has. */
export async function measureSquare(
  context: JobContext,
  items: readonly SquareLabels[],
): Promise<Partial<Record<string, EvalCounts>>> {
  const size = context.setup.method.imageSize;
  const counts: Partial<Record<string, EvalCounts>> = {};
  for (const { entry, maps } of items) {
    const truth = await maskOf(context, entry);
    if (!truth) continue;
    for (const [kind, labels] of Object.entries(maps)) {
      counts[kind] ??= emptyCounts(context.setup.classes.length);
      const fitted = stretchLabels(labels, size, size, entry.width, entry.height);
      countImage(counts[kind], truth, fitted, entry.width, entry.height);
    }
  }
  return counts;
}
