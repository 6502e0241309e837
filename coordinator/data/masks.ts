/**
 * Which mask belongs to which photo. In order: masks/<split folder>/<path>.png, masks/<path>.png, then a file name that is
 * unique among masks and among photos. A mask that two photos claim belongs to neither: a wrong measure is worse than none.
 */
import type { SplitName } from "../../shared/data/manifest.js";
import { baseName, extensionOf, withoutExtension } from "./paths.js";

export interface MaskSeeker {
  readonly split: SplitName;
  readonly path: string;
}

export interface MaskMatches<T extends MaskSeeker> {
  readonly pairs: readonly { readonly image: T; readonly maskPath: string }[];
  /** Masks that several photos claim. */
  readonly contested: readonly { readonly maskPath: string; readonly images: readonly T[] }[];
  /** Masks that no photo claims. */
  readonly unused: readonly string[];
}

/** @param splitFolders the name of each split's own folder, such as "train". */
export function matchMasks<T extends MaskSeeker>(
  images: readonly T[],
  maskPaths: readonly string[],
  splitFolders: Readonly<Record<SplitName, string | null>>,
): MaskMatches<T> {
  const index = indexMasks(maskPaths, images);
  const claims = new Map<string, T[]>();
  for (const image of images) {
    const maskPath = findMask(image, splitFolders[image.split], index);
    if (maskPath !== null) claims.set(maskPath, [...(claims.get(maskPath) ?? []), image]);
  }
  const claimed = [...claims].map(([maskPath, claimants]) => ({ maskPath, images: claimants }));
  return {
    pairs: claimed.filter((c) => c.images.length === 1).map((c) => ({ image: c.images[0]!, maskPath: c.maskPath })),
    contested: claimed.filter((c) => c.images.length > 1),
    unused: maskPaths.filter((path) => isMask(path) && !claims.has(path)),
  };
}

interface MaskIndex {
  /** Path without extension -> path as it is on disk. */
  readonly byPath: ReadonlyMap<string, string>;
  /** Stem -> path, or null where several masks share the stem. */
  readonly byStem: ReadonlyMap<string, string | null>;
  readonly photoStems: ReadonlyMap<string, number>;
}

function indexMasks(maskPaths: readonly string[], images: readonly MaskSeeker[]): MaskIndex {
  const byPath = new Map<string, string>();
  const byStem = new Map<string, string | null>();
  for (const path of maskPaths.filter(isMask)) {
    byPath.set(withoutExtension(path), path);
    const stem = stemOf(path);
    byStem.set(stem, byStem.has(stem) ? null : path);
  }
  const photoStems = new Map<string, number>();
  for (const { path } of images) photoStems.set(stemOf(path), (photoStems.get(stemOf(path)) ?? 0) + 1);
  return { byPath, byStem, photoStems };
}

function findMask({ path }: MaskSeeker, splitFolder: string | null, index: MaskIndex): string | null {
  const bare = withoutExtension(path);
  const exact = (splitFolder && index.byPath.get(`${splitFolder}/${bare}`)) || index.byPath.get(bare);
  if (exact) return exact;
  return index.photoStems.get(stemOf(path)) === 1 ? (index.byStem.get(stemOf(path)) ?? null) : null;
}

function isMask(path: string): boolean {
  return extensionOf(path).toLowerCase() === ".png";
}

function stemOf(path: string): string {
  return withoutExtension(baseName(path));
}
