/** The masks that `seedgrow export` takes along: those of a finished run, or any folder of mask PNGs. */
import { readdir, readFile, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { IGNORE, type Manifest } from "../../shared/data/manifest.js";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { compareBytewise, extensionOf, fileKind, withoutExtension } from "../data/paths.js";
import type { ExportImage } from "../export/model.js";
import { RunStore } from "./run-store.js";

export interface ExportSource {
  /** Run id or folder: what the export is called. */
  readonly name: string;
  readonly classes: readonly string[];
  /** Where the photos lie; null: nobody said. */
  readonly photosDir: string | null;
  readonly entries: readonly ExportEntry[];
}

export interface ExportEntry {
  readonly maskPath: string;
  /** Relative path of the photo, with forward slashes; of the mask where the photo is not known. */
  readonly photo: string;
}

/** @throws AppError DATA_NOT_FOUND when the run has not delivered its masks. */
export async function sourceOfRun(dir: string): Promise<ExportSource> {
  const store = new RunStore(dir);
  const [{ runId }, { manifest }] = await Promise.all([store.readRecord(), store.readManifest()]);
  const entries = entriesOf(store, manifest);
  if (!(await stat(entries[0]!.maskPath).catch(() => null))) {
    throw new AppError("DATA_NOT_FOUND", `the run in ${dir} has no masks yet`, {
      hint: "A run writes them when it is done: see `seedgrow status`, or `seedgrow resume` it.",
    });
  }
  return { name: runId, classes: manifest.classes, photosDir: manifest.train.root, entries };
}

function entriesOf(store: RunStore, { train }: Manifest): ExportEntry[] {
  return train.images.map(({ path }) => ({
    maskPath: store.path("masks", `${withoutExtension(path)}.png`),
    photo: path,
  }));
}

export interface FolderOptions {
  readonly dir: string;
  readonly classes: readonly string[];
  readonly photosDir: string | null;
}

/** @throws AppError DATA_EMPTY | DATA_NOT_FOUND */
export async function sourceOfFolder({ dir, classes, photosDir }: FolderOptions): Promise<ExportSource> {
  const masks = (await filesBelow(dir)).filter((path) => extensionOf(path).toLowerCase() === ".png");
  if (masks.length === 0) throw new AppError("DATA_EMPTY", `no mask (.png) in ${dir}`);
  const photos = photosDir === null ? [] : (await filesBelow(photosDir)).filter((path) => fileKind(path) === "image");
  const byStem = new Map(photos.map((path) => [withoutExtension(path), path]));
  const entries = masks.map((mask) => {
    const photo = photosDir === null ? mask : byStem.get(withoutExtension(mask));
    if (photo !== undefined) return { maskPath: join(dir, mask), photo };
    throw new AppError("DATA_NOT_FOUND", `no photo in ${photosDir} has the name of the mask ${mask}`);
  });
  return { name: dir, classes, photosDir, entries };
}

/** One mask at a time. @throws AppError MASK_INVALID, naming the file, also when it holds an id without a class. */
export async function* readImages({ entries, classes }: ExportSource): AsyncGenerator<ExportImage> {
  for (const [index, { maskPath, photo }] of entries.entries()) {
    const bytes = await readFile(maskPath).catch((cause: unknown) => {
      throw new AppError("DATA_NOT_FOUND", `there is no mask ${maskPath}`, { cause });
    });
    const mask = maskOrThrow(bytes, maskPath);
    const unknown = mask.labels.find((label) => label > classes.length && label !== IGNORE);
    if (unknown === undefined) {
      yield { id: index + 1, photo, ...mask };
      continue;
    }
    throw new AppError("MASK_INVALID", `${maskPath} holds class ${unknown}, and there are ${classes.length} classes`, {
      hint: "Name every class with --classes, in the order of the ids.",
    });
  }
}

function maskOrThrow(bytes: Uint8Array, path: string) {
  try {
    return readMaskPng(bytes);
  } catch (error) {
    const { code, message, hint } = AppError.from(error);
    throw new AppError(code, `${path}: ${message}`, { hint, cause: error });
  }
}

async function filesBelow(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .sort(compareBytewise);
}
