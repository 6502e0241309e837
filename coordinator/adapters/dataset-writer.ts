/** Writes an imported data set: train.csv, val.csv, photos/, masks/. The folder appears when all of it is there. */
import { copyFile, link, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AppError } from "../../shared/errors.js";
import { isInside } from "../data/known-set.js";
import { compareBytewise, withoutExtension } from "../data/paths.js";

export interface ImportedPhoto {
  /** Where it lies now. */
  readonly source: string;
  /** Below photos/. */
  readonly path: string;
  readonly split: "train" | "val";
  readonly tags: readonly string[];
  readonly mask?: Uint8Array | undefined;
}

/** @throws AppError USAGE when `outDir` is there and not empty. */
export async function writeDataset(
  outDir: string,
  photos: readonly ImportedPhoto[],
  onFile: (done: number, total: number) => void,
): Promise<void> {
  const target = resolve(outDir);
  if ((await readdir(target).catch(() => [])).length > 0) {
    throw new AppError("USAGE", `${outDir} is not empty`, { hint: "Give another folder with --out." });
  }
  const draft = `${target}.part`;
  try {
    await rm(draft, { recursive: true, force: true });
    for (const [index, photo] of photos.entries()) {
      await place(draft, photo);
      onFile(index + 1, photos.length);
    }
    for (const split of ["train", "val"] as const) {
      const rows = photos.filter((photo) => photo.split === split);
      if (rows.length > 0 || split === "train") await writeFile(join(draft, `${split}.csv`), csvOf(rows));
    }
    await rm(target, { recursive: true, force: true });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    throw error;
  }
}

async function place(draft: string, { source, path, mask }: ImportedPhoto): Promise<void> {
  if (!isInside(path)) throw new AppError("DATA_BROKEN", `"${path}" leads out of the data set's folder`);
  const target = join(draft, "photos", path);
  await mkdir(dirname(target), { recursive: true });
  // A second name for the same bytes costs nothing; another disk, or a link, needs a copy.
  await link(source, target).catch(() => copyFile(source, target));
  if (!mask) return;
  const maskPath = join(draft, "masks", "photos", `${withoutExtension(path)}.png`);
  await mkdir(dirname(maskPath), { recursive: true });
  await writeFile(maskPath, mask);
}

function csvOf(photos: readonly ImportedPhoto[]): string {
  const cell = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = [...photos].sort((a, b) => compareBytewise(a.path, b.path));
  return `path,tags\n${rows.map(({ path, tags }) => `${cell(`photos/${path}`)},${cell(tags.join(";"))}\n`).join("")}`;
}

export async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}
