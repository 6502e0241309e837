/** A table of tags from another tool, and the photos it names -> a data set. */
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { AppError } from "../../shared/errors.js";
import { Rng } from "../../shared/rng.js";
import { csvBytesMax } from "../data/csv.js";
import { type ForeignCsvOptions, readForeignCsv } from "../data/foreign-csv.js";
import { isInside } from "../data/known-set.js";
import { compareBytewise } from "../data/paths.js";
import { type ImportedPhoto, isFile, writeDataset } from "./dataset-writer.js";
import type { ImportedSet } from "./import-voc.js";

export interface ImportCsvOptions extends ForeignCsvOptions {
  readonly csvPath: string;
  /** Folder that the paths are relative to; null: the CSV's. */
  readonly photosDir: string | null;
  readonly outDir: string;
  /** Share of the photos that validate, drawn by `seed` and path. */
  readonly valShare: number;
  readonly seed: number;
  readonly onFile: (done: number, total: number) => void;
}

export async function importCsv(options: ImportCsvOptions): Promise<ImportedSet> {
  const rows = readForeignCsv(await readTable(options.csvPath), options);
  const root = await realpath(options.photosDir ?? dirname(resolve(options.csvPath)));
  const photos: ImportedPhoto[] = [];
  const missing: string[] = [];
  for (const { path, tags, line } of rows) {
    const source = await locate(root, path, line);
    if (source === null) missing.push(path);
    else photos.push({ source, path, split: splitOf(path, options), tags });
  }
  if (photos.length === 0) {
    const hint = "Paths are relative to the CSV, or to --photos DIR.";
    throw new AppError("DATA_EMPTY", `none of the ${rows.length} photos that ${options.csvPath} names is there`, {
      hint,
    });
  }
  await writeDataset(options.outDir, photos, options.onFile);
  const classes = [...new Set(photos.flatMap(({ tags }) => tags))].sort(compareBytewise);
  const val = photos.filter(({ split }) => split === "val").length;
  return { classes, train: photos.length - val, val, masks: 0, missing };
}

async function readTable(path: string): Promise<string> {
  const size = (await stat(path).catch(() => null))?.size;
  if (size === undefined) throw new AppError("DATA_NOT_FOUND", `there is no ${path}`);
  if (size > csvBytesMax) throw new AppError("DATA_TAGS", `${path} has ${size} bytes; at most ${csvBytesMax}`);
  return readFile(path, "utf8");
}

/** Null: not there. @throws AppError DATA_BROKEN for a path, or a link, that leads out of the folder. */
async function locate(root: string, path: string, line: number): Promise<string | null> {
  const leaves = () => new AppError("DATA_BROKEN", `line ${line}: "${path}" leads out of ${root}`);
  if (!isInside(path)) throw leaves();
  const full = join(root, path);
  if (!(await isFile(full))) return null;
  if (!(await realpath(full)).startsWith(root + sep)) throw leaves();
  return full;
}

/** By path, so that more photos later leave the others where they are. */
function splitOf(path: string, { valShare, seed }: ImportCsvOptions): "train" | "val" {
  return new Rng(seed, "import", path).next() < valShare ? "val" : "train";
}
