/**
 * From photos that were read to a data set that can be trained: throws out copies and contradictions, numbers the classes,
 * and decides whether what remains would train. Pure; the verdict carries its reason.
 */
import type { ImageEntry, SplitName } from "../../shared/data/manifest.js";
import type { AppError } from "../../shared/errors.js";
import type { TaggedSplit } from "./layouts.js";
import { compareBytewise } from "./paths.js";
import { compareProblems, type DataProblem } from "./problems.js";
import { judge } from "./verdict.js";

/** A photo that decodes. */
export interface ReadPhoto extends Omit<ImageEntry, "tags" | "maskDigest"> {
  readonly split: SplitName;
  readonly tags: readonly string[];
}

export interface TaggedPhoto extends Omit<ReadPhoto, "tags"> {
  /** Class ids, ascending. */
  readonly tags: number[];
}

export interface AssembleInput {
  readonly layouts: { readonly train: TaggedSplit; readonly val: TaggedSplit | null };
  readonly photos: readonly ReadPhoto[];
  /** Of reading the photos. */
  readonly problems: readonly DataProblem[];
  /** Fixes the classes and their order; else they are those of the training layout. */
  readonly classes: readonly string[] | null;
  readonly brokenShareMax: number;
}

export interface Assembled {
  readonly classes: readonly string[];
  /** Training images first, each split ordered by path. */
  readonly photos: readonly TaggedPhoto[];
  readonly problems: readonly DataProblem[];
  /** Null when the set would train. */
  readonly verdict: AppError | null;
}

export function assemble(input: AssembleInput): Assembled {
  const { layouts, brokenShareMax } = input;
  const classes = input.classes ?? layouts.train.classes;
  const problems = [...layouts.train.problems, ...(layouts.val?.problems ?? []), ...input.problems];
  const sorted = [...input.photos].sort((a, b) => compareBytewise(a.split, b.split) || compareBytewise(a.path, b.path));
  const known = sift(sorted, problems, (photo) => unknownTag(photo, classes));
  const single = removeCopies(known, problems);
  const trained = new Set(single.filter(({ split }) => split === "train").map(({ digest }) => digest));
  const kept = sift(single, problems, (photo) => leak(photo, trained));
  problems.push(...emptyClasses(classes, layouts.val, kept));
  problems.sort(compareProblems);
  const photos = kept.map((photo) => ({
    ...photo,
    tags: photo.tags.map((tag) => classes.indexOf(tag) + 1).sort(ascending),
  }));
  return {
    classes,
    photos,
    problems,
    verdict: judge({ classes, photos, problems, brokenShareMax, hasVal: layouts.val !== null }),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** Keeps the photos without a problem; adds the problems of the others. */
function sift(
  photos: readonly ReadPhoto[],
  problems: DataProblem[],
  problemOf: (photo: ReadPhoto) => Pick<DataProblem, "kind" | "message"> | null,
): ReadPhoto[] {
  return photos.filter((photo) => {
    const problem = problemOf(photo);
    if (problem) problems.push({ split: photo.split, path: photo.path, ...problem });
    return problem === null;
  });
}

function unknownTag({ tags, split }: ReadPhoto, classes: readonly string[]) {
  const unknown = tags.find((tag) => !classes.includes(tag));
  if (unknown === undefined) return null;
  const why = split === "val" ? "no training image has it" : `--classes names ${classes.join(", ")}`;
  return { kind: "mistagged" as const, message: `tag "${unknown}": ${why}` };
}

/** Same bytes, same tags: the first path stays. Same bytes, other tags: nobody knows which is right, so none stays. */
function removeCopies(photos: readonly ReadPhoto[], problems: DataProblem[]): ReadPhoto[] {
  const groups = new Map<string, ReadPhoto[]>();
  for (const photo of photos) {
    const key = `${photo.split}/${photo.digest}`;
    groups.set(key, [...(groups.get(key) ?? []), photo]);
  }
  return sift(photos, problems, (photo) => {
    const group = groups.get(`${photo.split}/${photo.digest}`)!;
    const other = group.find((copy) => copy.tags.join(";") !== photo.tags.join(";"));
    if (other) {
      const message = `same bytes as ${other.path}, tagged ${nameTags(other)}; for several tags on one image use a CSV`;
      return { kind: "mistagged", message };
    }
    return group[0] === photo ? null : { kind: "duplicate", message: `same bytes as ${group[0]!.path}` };
  });
}

function nameTags({ tags }: ReadPhoto): string {
  return tags.length === 0 ? "as negative" : tags.join(" and ");
}

function leak({ split, digest }: ReadPhoto, trained: ReadonlySet<string>) {
  if (split === "train" || !trained.has(digest)) return null;
  return { kind: "leak" as const, message: "same bytes as a training image" };
}

function emptyClasses(classes: readonly string[], val: TaggedSplit | null, kept: readonly ReadPhoto[]): DataProblem[] {
  const empty = (split: SplitName, names: readonly string[]) =>
    names
      .filter((name) => !kept.some((photo) => photo.split === split && photo.tags.includes(name)))
      .map((path): DataProblem => ({ split, path, kind: "empty-class", message: "give it an image or remove it" }));
  return [...empty("train", classes), ...empty("val", val?.classes ?? [])];
}
