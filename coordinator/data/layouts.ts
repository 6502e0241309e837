/**
 * How a folder says what is in each photo. Pure: goes by a listing of relative paths.
 *
 *   class folders   horse/a.jpg  zebra/b.jpg  none/c.jpg       ("none" holds images of no class)
 *   split folders   train/<class folders>  val/<class folders>  masks/...
 *   unpaired        trainA/ trainB/ testA/ testB/, the layout of horse2zebra and CycleGAN; test* becomes val
 *   CSV             see csv.ts
 *   PASCAL VOC      see voc.ts
 */
import type { SplitName } from "../../shared/data/manifest.js";
import { fileKind, topFolder } from "./paths.js";
import type { DataProblem } from "./problems.js";

/** Everything below a folder, hidden entries left out. */
export interface Listing {
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

export interface TaggedPath {
  readonly path: string;
  /** Names of classes; empty for a negative. */
  readonly tags: readonly string[];
}

export interface TaggedSplit {
  readonly images: readonly TaggedPath[];
  /** Every class that the layout names, with or without images. */
  readonly classes: readonly string[];
  readonly problems: readonly DataProblem[];
}

export type LayoutName = "class folders" | "unpaired" | "CSV" | "PASCAL VOC";

/** Name of the folder, and the tag in a CSV, for images of no class. */
export const negativeName = "none";

const unpairedFolders: Readonly<Record<SplitName, readonly [a: string, b: string]>> = {
  train: ["trainA", "trainB"],
  val: ["testA", "testB"],
};
const splitFolders = new Set(["train", "val", "test", "masks"]);

export function isUnpaired(listing: Listing): boolean {
  const known = [...unpairedFolders.train, ...unpairedFolders.val];
  const tops = topFolders(listing);
  return tops.length > 0 && tops.every((folder) => known.includes(folder) || folder === "masks");
}

/** True for a folder that holds train/<class>/<image> rather than <class>/<image>. */
export function isSplitRoot(listing: Listing): boolean {
  const tops = topFolders(listing);
  if (!tops.includes("train") || !tops.every((folder) => splitFolders.has(folder))) return false;
  return listing.files.some((path) => /^train\/[^/]+\/./.test(path) && fileKind(path) !== "other");
}

export function topFolders(listing: Listing): string[] {
  return listing.folders.filter((path) => !path.includes("/"));
}

/** The part of a listing below one folder. */
export function below(listing: Listing, folder: string): Listing {
  const prefix = `${folder}/`;
  const inside = (paths: readonly string[]) =>
    paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return { files: inside(listing.files), folders: inside(listing.folders) };
}

/** A listing less one folder: masks kept beside the class folders are no class. */
export function without(listing: Listing, folder: string): Listing {
  const outside = (path: string) => path !== folder && !path.startsWith(`${folder}/`);
  return { files: listing.files.filter(outside), folders: listing.folders.filter(outside) };
}

export function readClassFolders(listing: Listing, split: SplitName): TaggedSplit {
  const images: TaggedPath[] = [];
  const problems: DataProblem[] = [];
  for (const path of listing.files) {
    const folder = topFolder(path);
    const problem = problemOf(path, folder, split);
    if (problem) problems.push(problem);
    else if (fileKind(path) === "image") images.push({ path, tags: folder === negativeName ? [] : [folder!] });
  }
  return { images, classes: topFolders(listing).filter((name) => name !== negativeName), problems };
}

/** @param names the classes of trainA/testA and trainB/testB. */
export function readUnpaired(listing: Listing, split: SplitName, names: readonly [string, string]): TaggedSplit {
  const folders = unpairedFolders[split];
  const images: TaggedPath[] = [];
  const problems: DataProblem[] = [];
  for (const path of listing.files) {
    const side = folders.indexOf(topFolder(path) ?? "");
    if (side < 0) continue;
    const problem = problemOf(path, topFolder(path), split);
    if (problem) problems.push(problem);
    else if (fileKind(path) === "image") images.push({ path, tags: [names[side]!] });
  }
  const present = topFolders(listing);
  return { images, classes: names.filter((_, side) => present.includes(folders[side]!)), problems };
}

function problemOf(path: string, folder: string | null, split: SplitName): DataProblem | null {
  const kind = fileKind(path);
  if (kind === "unsupported") {
    return { split, path, kind: "unsupported", message: "convert it to JPEG, PNG, WebP, TIFF, GIF or AVIF" };
  }
  if (kind === "image" && folder === null) {
    return { split, path, kind: "untagged", message: "lies in no class folder" };
  }
  return null;
}
