/** What a person should look at before training, although it would train: copies, leaks, imbalance, doubtful tags. Pure. */
import type { ImageEntry, Manifest, SplitName } from "../../shared/data/manifest.js";
import { type Fingerprint, lookAlikes } from "./fingerprint.js";

export interface PhotoName {
  readonly split: SplitName;
  readonly path: string;
  readonly tags: readonly string[];
}

export interface LookAlikes {
  readonly photos: readonly PhotoName[];
  /** Some train and some validate: validation scores are too good. */
  readonly isLeak: boolean;
  /** Their tags differ: one of them is wrong. */
  readonly disagrees: boolean;
}

/** Fingerprints in the order of `photosOf`. */
export function findLookAlikes(manifest: Manifest, fingerprints: readonly (Fingerprint | null)[]): LookAlikes[] {
  const photos = photosOf(manifest);
  return lookAlikes(fingerprints).map((group) => {
    const members = group.map((index) => photos[index]!.name);
    const differ = (of: (name: PhotoName) => string) => new Set(members.map(of)).size > 1;
    return {
      photos: members,
      isLeak: differ(({ split }) => split),
      disagrees: differ(({ tags }) => tags.join(";")),
    };
  });
}

/** Training photos, then those that validate, each in the manifest's order. */
export function photosOf({ classes, train, val }: Manifest): { name: PhotoName; entry: ImageEntry }[] {
  const named = (split: SplitName, images: readonly ImageEntry[]) =>
    images.map((entry) => {
      const tags = entry.tags.map((id) => classes[id - 1]!);
      return { name: { split, path: entry.path, tags }, entry };
    });
  return [...named("train", train.images), ...named("val", val?.images ?? [])];
}

/** One class beyond this many times another is learnt at its cost. */
const imbalanceMax = 10;
/** The demo's set has 40 per class; below half of that nobody has measured anything. */
const classImagesMin = 20;
/** A side below half of the working size is enlarged more than twice. */
const sideShareMin = 0.5;

/** Sentences with their numbers; none where all is well. */
export function balanceWarnings({ classes, train, val }: Manifest, imageSize: number): string[] {
  const count = (id: number, images: readonly ImageEntry[]) => images.filter(({ tags }) => tags.includes(id)).length;
  const counts = classes.map((name, index) => ({ name, images: count(index + 1, train.images) }));
  const most = counts.reduce((a, b) => (b.images > a.images ? b : a));
  const negatives = train.images.filter(({ tags }) => tags.length === 0).length;
  const small = train.images.filter(({ width, height }) => Math.min(width, height) < imageSize * sideShareMin).length;
  const missing = classes.filter((_, index) => val && val.images.length > 0 && count(index + 1, val.images) === 0);
  return [
    ...counts
      .filter(({ images }) => images * imbalanceMax < most.images)
      .map(({ name, images }) => `${name} has ${images} photos, ${most.name} ${most.images}: the rare one suffers`),
    ...counts
      .filter(({ images }) => images > 0 && images < classImagesMin)
      .map(({ name, images }) => `${name} has only ${images} photos; ${classImagesMin} is a start, 100 are better`),
    ...(negatives === 0
      ? [
          "no photo is without a tag: what always goes with a class (grass, water) may be taken for it. Add a folder none/",
        ]
      : []),
    ...(small > 0
      ? [`${small} photos have a side below ${imageSize * sideShareMin} pixels, and are enlarged to ${imageSize}`]
      : []),
    ...missing.map((name) => `no validation photo shows ${name}: its score cannot be measured`),
  ];
}

export interface DoubtfulTag {
  readonly path: string;
  readonly tags: readonly string[];
  /** Class -> the classifier's score, 0 to 1. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Photos whose tag a run's classifier did not see, as far as they are in this set; the surest first. */
export function doubtfulTags(
  { classes, train }: Manifest,
  runClasses: readonly string[],
  seen: readonly { readonly path: string; readonly scores: readonly number[] }[],
): DoubtfulTag[] {
  const entries = new Map(train.images.map((entry) => [entry.path, entry]));
  const found = seen.flatMap(({ path, scores }) => {
    const entry = entries.get(path);
    if (!entry) return [];
    const byClass = Object.fromEntries(runClasses.map((name, index) => [name, scores[index] ?? 0]));
    return [{ path, tags: entry.tags.map((id) => classes[id - 1]!), scores: byClass }];
  });
  const doubt = ({ tags, scores }: DoubtfulTag) => Math.min(...tags.map((tag) => scores[tag] ?? 1));
  return found.sort((a, b) => doubt(a) - doubt(b));
}
