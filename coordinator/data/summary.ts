/** What a person wants to know about a data set before training on it. Plain data: printed as a table or as JSON. */
import type { ImageEntry, Manifest } from "../../shared/data/manifest.js";

export interface ClassCount {
  /** Null for images of no class. */
  readonly id: number | null;
  readonly name: string;
  readonly train: number;
  readonly val: number;
}

export interface SizeSummary {
  /** "WIDTHxHEIGHT", by number of pixels. */
  readonly smallest: string;
  readonly median: string;
  readonly largest: string;
}

export interface SplitSummary {
  readonly images: number;
  readonly bytes: number;
  readonly masks: number;
  readonly shards: number;
  readonly sizes: SizeSummary | null;
}

export interface DataSummary {
  readonly classes: readonly ClassCount[];
  readonly train: SplitSummary;
  readonly val: SplitSummary | null;
}

export function summarise({ classes, train, val }: Manifest): DataSummary {
  const count = (images: readonly ImageEntry[] | undefined, test: (image: ImageEntry) => boolean) =>
    images?.filter(test).length ?? 0;
  const row = (id: number | null, name: string, test: (image: ImageEntry) => boolean): ClassCount => {
    return { id, name, train: count(train.images, test), val: count(val?.images, test) };
  };
  const rows = classes.map((name, index) => row(index + 1, name, ({ tags }) => tags.includes(index + 1)));
  const negatives = row(null, "none", ({ tags }) => tags.length === 0);
  return {
    classes: negatives.train + negatives.val > 0 ? [...rows, negatives] : rows,
    train: summariseSplit(train),
    val: val && summariseSplit(val),
  };
}

function summariseSplit({ images, shards }: Manifest["train"]): SplitSummary {
  return {
    images: images.length,
    bytes: images.reduce((sum, { bytes }) => sum + bytes, 0),
    masks: images.filter(({ maskDigest }) => maskDigest !== null).length,
    shards: shards.length,
    sizes: summariseSizes(images),
  };
}

function summariseSizes(images: readonly ImageEntry[]): SizeSummary | null {
  if (images.length === 0) return null;
  const sorted = [...images].sort((a, b) => a.width * a.height - b.width * b.height);
  const name = ({ width, height }: ImageEntry) => `${width}x${height}`;
  return { smallest: name(sorted[0]!), median: name(sorted[sorted.length >> 1]!), largest: name(sorted.at(-1)!) };
}
