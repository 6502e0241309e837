/** Finds out what a --data path is (class folders, split folders, unpaired, CSV, PASCAL VOC) and lists its images with their tags. */
import type { Stats } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { SplitName } from "../../shared/data/manifest.js";
import { AppError } from "../../shared/errors.js";
import { isS3 } from "../../shared/storage/s3.js";
import { cacheDir } from "../../shared/tool-paths.js";
import { csvBytesMax, readCsv } from "../data/csv.js";
import {
  below,
  isSplitRoot,
  isUnpaired,
  type LayoutName,
  type Listing,
  readClassFolders,
  readUnpaired,
  type TaggedSplit,
  topFolders,
  without,
} from "../data/layouts.js";
import { compareBytewise } from "../data/paths.js";
import { isVoc, readVoc, vocSetFiles } from "../data/voc.js";
import { type MirrorOptions, mirrorS3 } from "./s3-mirror.js";

export interface Source {
  /** Absolute folder that the paths are relative to. */
  readonly root: string;
  readonly layoutName: LayoutName;
  readonly tagged: TaggedSplit;
}

export interface Sources {
  readonly train: Source;
  readonly val: Source | null;
  readonly masksRoot: string | null;
}

export interface SourceOptions {
  readonly dataPath: string;
  readonly valPath?: string | undefined;
  readonly masksPath?: string | undefined;
  readonly classes?: readonly string[] | undefined;
}

/** Deep enough for any tidy tree; a loop of symbolic links ends here. */
const folderDepthMax = 12;

export async function openSources(given: SourceOptions, mirroring: Partial<MirrorOptions> = {}): Promise<Sources> {
  const options = await onThisMachine(given, { cacheDir: join(cacheDir(process.env), "s3"), ...mirroring });
  const { train, val, masksRoot } = await openData(options);
  return {
    train,
    val: options.valPath ? await openVal(options.valPath, options.classes) : val,
    masksRoot: options.masksPath ? await folderOrThrow(options.masksPath, "--masks") : masksRoot,
  };
}

/** Folders of S3-compatible storage become folders here. */
async function onThisMachine(options: SourceOptions, mirroring: MirrorOptions): Promise<SourceOptions> {
  const local = async (path: string): Promise<string> => {
    if (!isS3(path)) return path;
    // The photos of a table lie around it.
    if (isCsv(path)) return join(await mirrorS3(path.slice(0, path.lastIndexOf("/")), mirroring), basename(path));
    return mirrorS3(path, mirroring);
  };
  const { dataPath, valPath, masksPath } = options;
  return {
    ...options,
    dataPath: await local(dataPath),
    valPath: valPath && (await local(valPath)),
    masksPath: masksPath && (await local(masksPath)),
  };
}

async function openData({ dataPath, masksPath, classes }: SourceOptions): Promise<Sources> {
  if (isCsv(dataPath)) return { train: await openCsv(dataPath, "train"), val: null, masksRoot: null };
  const root = await folderOrThrow(dataPath, "--data");
  const listing = await listFolder(root);
  if (isVoc(listing)) return openVoc(root, listing);
  if (listing.files.includes("train.csv")) return openCsvs(root, listing);
  const masksRoot = topFolders(listing).includes("masks") ? join(root, "masks") : null;
  if (isSplitRoot(listing)) {
    const valFolder = ["val", "test"].find((folder) => topFolders(listing).includes(folder));
    const val = valFolder ? classFolders(join(root, valFolder), below(listing, valFolder), "val") : null;
    return { train: classFolders(join(root, "train"), below(listing, "train"), "train"), val, masksRoot };
  }
  if (!isUnpaired(listing)) {
    const photos = masksPath ? without(listing, relative(root, resolve(masksPath))) : listing;
    return { train: classFolders(root, photos, "train"), val: null, masksRoot: null };
  }
  const names = unpairedNames(root, listing, classes);
  const hasVal = topFolders(listing).some((folder) => folder.startsWith("test"));
  return {
    train: unpaired(root, listing, "train", names),
    val: hasVal ? unpaired(root, listing, "val", names) : null,
    masksRoot,
  };
}

/** train.csv, and beside it val.csv and masks/ where there are any. */
async function openCsvs(root: string, listing: Listing): Promise<Sources> {
  return {
    train: await openCsv(join(root, "train.csv"), "train"),
    val: listing.files.includes("val.csv") ? await openCsv(join(root, "val.csv"), "val") : null,
    masksRoot: topFolders(listing).includes("masks") ? join(root, "masks") : null,
  };
}

async function openVal(path: string, classes: readonly string[] | undefined): Promise<Source> {
  if (isCsv(path)) return openCsv(path, "val");
  const root = await folderOrThrow(path, "--val");
  const listing = await listFolder(root);
  if (isVoc(listing)) return vocSplit(root, listing, "val");
  if (isUnpaired(listing)) return unpaired(root, listing, "val", unpairedNames(root, listing, classes));
  return classFolders(root, listing, "val");
}

async function openVoc(root: string, listing: Listing): Promise<Sources> {
  const masks = topFolders(listing).includes("SegmentationClass") ? join(root, "SegmentationClass") : null;
  const val = vocSetFiles(listing, "val").length > 0 ? await vocSplit(root, listing, "val") : null;
  return { train: await vocSplit(root, listing, "train"), val, masksRoot: masks };
}

async function vocSplit(root: string, listing: Listing, split: SplitName): Promise<Source> {
  const files = vocSetFiles(listing, split);
  const sets = await Promise.all(
    files.map(async ({ path, className }) => ({ className, text: await readFile(join(root, path), "utf8") })),
  );
  return { root, layoutName: "PASCAL VOC", tagged: readVoc(listing, sets, split) };
}

function classFolders(root: string, listing: Listing, split: SplitName): Source {
  return { root, layoutName: "class folders", tagged: readClassFolders(listing, split) };
}

function unpaired(root: string, listing: Listing, split: SplitName, names: readonly [string, string]): Source {
  return { root, layoutName: "unpaired", tagged: readUnpaired(listing, split, names) };
}

/** --classes, else what the folder is called (horse2zebra), else A and B. */
function unpairedNames(root: string, listing: Listing, classes: readonly string[] | undefined): [string, string] {
  const sides = new Set(topFolders(listing).map((folder) => folder.at(-1)));
  if (classes) {
    if (classes.length === 2 || (classes.length === 1 && !sides.has("B"))) return [classes[0]!, classes[1] ?? "B"];
    throw new AppError("USAGE", `--classes names ${classes.length} classes; trainA and trainB are two`, {
      hint: "Name the class of trainA, then that of trainB: --classes horse,zebra.",
    });
  }
  const [, a, b] = /^([a-z]+)2([a-z]+)$/i.exec(basename(root)) ?? [];
  return a && b ? [a, b] : ["A", "B"];
}

function isCsv(path: string): boolean {
  return path.toLowerCase().endsWith(".csv");
}

async function openCsv(path: string, split: SplitName): Promise<Source> {
  const { size } = await statOrThrow(path, split === "train" ? "--data" : "--val");
  if (size > csvBytesMax)
    throw new AppError("DATA_TAGS", `${path} has ${size} bytes; a CSV of tags at most ${csvBytesMax}`);
  const tagged = readCsv(await readFile(path, "utf8"), split);
  return { root: resolve(dirname(path)), layoutName: "CSV", tagged };
}

async function folderOrThrow(path: string, flag: string): Promise<string> {
  const stats = await statOrThrow(path, flag);
  if (stats.isDirectory()) return resolve(path);
  throw new AppError("DATA_NOT_FOUND", `${flag} ${path} is a file`, {
    hint: flag === "--masks" ? "Give the folder of masks." : "Give a folder of class folders, or a .csv file.",
  });
}

async function statOrThrow(path: string, flag: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "does not exist" : message;
    throw new AppError("DATA_NOT_FOUND", `${flag} ${path} ${why}`, { cause });
  }
}

/** Everything below a folder, following links, in bytewise order; hidden entries are left out. */
export async function listFolder(root: string): Promise<Listing> {
  const files: string[] = [];
  const folders: string[] = [];
  await walk(root, "", 0, files, folders);
  return { files: files.sort(compareBytewise), folders: folders.sort(compareBytewise) };
}

async function walk(root: string, folder: string, depth: number, files: string[], folders: string[]): Promise<void> {
  if (depth > folderDepthMax) {
    throw new AppError("DATA_NOT_FOUND", `${folder} is more than ${folderDepthMax} folders deep: a loop of links?`);
  }
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    if (entry.name.startsWith(".") || entry.name === "__MACOSX") continue;
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    // A dangling link counts as a file, so that it is reported as missing.
    const linked = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => null) : entry;
    if (linked?.isDirectory()) {
      folders.push(path);
      await walk(root, path, depth + 1, files, folders);
    } else files.push(path);
  }
}
