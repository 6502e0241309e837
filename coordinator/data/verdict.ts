/** Whether a data set would train, and if not, why and what to do. */
import { CLASS_COUNT_MAX, type SplitName } from "../../shared/data/manifest.js";
import { AppError } from "../../shared/errors.js";
import { type DataProblem, isBroken, listProblems } from "./problems.js";

export interface Evidence {
  readonly classes: readonly string[];
  readonly photos: readonly { readonly split: SplitName; readonly tags: readonly number[] }[];
  readonly problems: readonly DataProblem[];
  readonly brokenShareMax: number;
  readonly hasVal: boolean;
}

/** @returns null when it would train; else the first reason why not, the most basic one first. */
export function judge(evidence: Evidence): AppError | null {
  return noImage(evidence) ?? noTags(evidence) ?? tooBroken(evidence) ?? badClasses(evidence) ?? emptyVal(evidence);
}

function noImage({ photos, problems }: Evidence): AppError | null {
  if (photos.length + problems.filter(isBroken).length > 0) return null;
  return new AppError("DATA_EMPTY", "there is no image", {
    hint: "Put photos into class folders (horse/, zebra/, none/), or give a CSV of path,tag;tag.",
  });
}

function noTags({ photos, problems }: Evidence): AppError | null {
  const untagged = problems.filter(({ kind }) => kind === "untagged");
  if (photos.length === 0 && untagged.length > 0 && untagged.length === problems.filter(isBroken).length) {
    return new AppError("DATA_TAGS", `no image has a tag: all ${untagged.length} lie in no class folder`, {
      hint: "Put each class into its own folder, or give a CSV of path,tag;tag.",
    });
  }
  if (photos.length === 0 || photos.some(({ tags }) => tags.length > 0)) return null;
  return new AppError("DATA_TAGS", `all ${photos.length} images are negatives: there is nothing to find in them`);
}

function tooBroken({ photos, problems, brokenShareMax }: Evidence): AppError | null {
  const broken = problems.filter(isBroken);
  const total =
    photos.length + problems.filter(({ kind }) => kind === "duplicate" || kind === "leak").length + broken.length;
  if (broken.length <= brokenShareMax * total) return null;
  const message = `${broken.length} of ${total} images are broken (${percent(broken.length / total)}; data.brokenShareMax is ${percent(brokenShareMax)}):`;
  return new AppError("DATA_BROKEN", message + listProblems(broken));
}

function badClasses({ classes, problems }: Evidence): AppError | null {
  if (classes.length > CLASS_COUNT_MAX) {
    return new AppError("DATA_TAGS", `${classes.length} classes; a mask holds at most ${CLASS_COUNT_MAX}`, {
      hint: "Name the classes to train with --classes, or merge some.",
    });
  }
  const empty = problems
    .filter(({ kind, split }) => kind === "empty-class" && split === "train")
    .map(({ path }) => path);
  if (empty.length === 0) return null;
  return new AppError("DATA_EMPTY", `no readable training image of ${empty.join(", ")}`);
}

function emptyVal({ photos, hasVal }: Evidence): AppError | null {
  if (!hasVal || photos.some(({ split }) => split === "val")) return null;
  return new AppError("DATA_EMPTY", "the validation set holds no usable image", {
    hint: "Point --val to a folder laid out like the training data, or leave it out.",
  });
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
