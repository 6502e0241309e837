/**
 * Tags from a PASCAL VOC tree: JPEGImages/, and ImageSets/Main/<class>_<split>.txt with lines "2007_000032 1". 1 says the
 * class is there, -1 that it is not, 0 that only difficult objects of it are: also there, and so tagged, or the image would
 * pass for a negative. SegmentationClass/ holds masks for some of the images; VOC numbers its classes alphabetically too.
 */
import type { SplitName } from "../../shared/data/manifest.js";
import { type Listing, type TaggedPath, type TaggedSplit, topFolders } from "./layouts.js";
import { baseName, compareBytewise, withoutExtension } from "./paths.js";
import type { DataProblem } from "./problems.js";

export interface VocSet {
  readonly className: string;
  readonly text: string;
}

export function isVoc(listing: Listing): boolean {
  const tops = topFolders(listing);
  return tops.includes("JPEGImages") && tops.includes("ImageSets");
}

/** The files that tag one split, with the class each is about. */
export function vocSetFiles(listing: Listing, split: SplitName): { path: string; className: string }[] {
  return listing.files.flatMap((path) => {
    const match = /^ImageSets\/Main\/(.+)_(train|val)\.txt$/.exec(path);
    return match?.[2] === split ? [{ path, className: match[1]! }] : [];
  });
}

export function readVoc(listing: Listing, sets: readonly VocSet[], split: SplitName): TaggedSplit {
  const photoOf = new Map<string, string>();
  for (const path of listing.files) {
    if (path.startsWith("JPEGImages/")) photoOf.set(withoutExtension(baseName(path)), path);
  }
  const tagsOf = new Map<string, string[]>();
  for (const { className, text } of sets) {
    for (const [, id, presence] of text.matchAll(/^\s*(\S+)[ \t]+(-?1|0)\s*$/gm)) {
      const tags = tagsOf.get(id!) ?? [];
      tagsOf.set(id!, presence === "-1" ? tags : [...tags, className]);
    }
  }
  const images: TaggedPath[] = [];
  const problems: DataProblem[] = [];
  for (const [id, tags] of tagsOf) {
    const path = photoOf.get(id);
    if (path) images.push({ path, tags: tags.sort(compareBytewise) });
    else problems.push({ split, path: `JPEGImages/${id}.jpg`, kind: "missing", message: "named in ImageSets/Main" });
  }
  return { images, classes: sets.map(({ className }) => className).sort(compareBytewise), problems };
}
