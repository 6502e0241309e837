/** Which training images the report shows, and which label versions: the same in every report of a run. */
import type { ImageEntry } from "../../shared/data/manifest.js";
import type { StageRecord } from "../../shared/data/run-record.js";
import { Rng } from "../../shared/rng.js";
import { stageTitle } from "./format.js";
import type { LabelColumn } from "./model.js";

/** Negatives teach the network but make dull rows. */
const negativesMax = 2;

/**
 * Indices of up to `count` images, taking turns over the classes, a few negatives last. Images with a true mask come
 * first, so that growth can be compared with the truth.
 */
export function chooseSamples(
  images: readonly ImageEntry[],
  hasMask: (image: number) => boolean,
  seed: number,
  count = 24,
): number[] {
  const order = new Rng(seed, "report").shuffled(images.map((_, i) => i));
  const preferred = [...order.filter(hasMask), ...order.filter((image) => !hasMask(image))];
  const negatives = preferred.filter((image) => images[image]!.tags.length === 0).slice(0, negativesMax);
  const tags = [...new Set(images.flatMap((entry) => entry.tags))].sort((a, b) => a - b);
  const queues = tags.map((tag) => preferred.filter((image) => images[image]!.tags.includes(tag)));
  return [...takeTurns(queues, count - negatives.length), ...negatives];
}

/** The stages' label versions; of many, the first, the last and an even choice between. */
export function chooseColumns(stages: readonly StageRecord[], countMax = 6): LabelColumn[] {
  const all = stages.flatMap(({ name, labelVersion }) => {
    return labelVersion === null ? [] : [{ version: labelVersion, title: stageTitle(name) }];
  });
  if (all.length <= countMax) return all;
  return Array.from({ length: countMax }, (_, i) => all[Math.round((i * (all.length - 1)) / (countMax - 1))]!);
}

/** Up to `count` different images, one from each queue at a time. */
function takeTurns(queues: readonly number[][], count: number): number[] {
  const chosen = new Set<number>();
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  for (let turn = 0; turn < longest; turn++) {
    for (const queue of queues) {
      const image = queue.find((candidate) => !chosen.has(candidate));
      if (image !== undefined && chosen.size < count) chosen.add(image);
    }
    if (chosen.size >= count) break;
  }
  return [...chosen];
}
