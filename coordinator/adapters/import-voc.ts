/** A PASCAL VOC tree -> a data set: tags from the annotations, masks (for measuring only) from SegmentationClass/. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import pLimit from "p-limit";
import { IGNORE } from "../../shared/data/manifest.js";
import { readMaskPng, writeMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { compareBytewise, withoutExtension } from "../data/paths.js";
import { readVocAnnotation, vocClasses } from "../data/voc-annotation.js";
import { listFolder } from "./data-source.js";
import { type ImportedPhoto, isFile, writeDataset } from "./dataset-writer.js";

const filesAtOnce = 8;
/** VOC's have a few hundred bytes per object. */
const annotationBytesMax = 4 * 1024 * 1024;

export interface ImportVocOptions {
  /** VOCdevkit/VOC2012, or what lies above it. */
  readonly dir: string;
  readonly outDir: string;
  /** Only these; null: all that are annotated. */
  readonly classes: readonly string[] | null;
  readonly onFile: (done: number, total: number) => void;
}

export interface ImportedSet {
  readonly classes: readonly string[];
  readonly train: number;
  readonly val: number;
  readonly masks: number;
  /** Listed, but not there. */
  readonly missing: readonly string[];
}

export async function importVoc(options: ImportVocOptions): Promise<ImportedSet> {
  const root = await findRoot(options.dir);
  const lists = await readLists(root);
  const photos: ImportedPhoto[] = [];
  const missing: string[] = [];
  const limit = pLimit(filesAtOnce);
  const read = ({ id, split }: Listed) => limit(async () => ({ id, split, ...(await readOne(root, id)) }));
  const found = await Promise.all(lists.map(read));
  const classes = options.classes ?? [...new Set(found.flatMap(({ tags }) => tags ?? []))].sort(compareBytewise);
  const idOf = maskIds(classes);
  for (const { id, split, source, tags } of found) {
    if (tags === null || source === null) missing.push(id);
    else {
      const kept = tags.filter((tag) => classes.includes(tag));
      photos.push({ source, path: `${id}.jpg`, split, tags: kept, mask: await readMask(root, id, idOf) });
    }
  }
  if (photos.every(({ split }) => split !== "train")) {
    throw new AppError("DATA_EMPTY", `${root} has no annotated training photo`, {
      hint: "Expected Annotations/*.xml and JPEGImages/*.jpg for the names in ImageSets/.",
    });
  }
  await writeDataset(options.outDir, photos, options.onFile);
  const count = (split: string) => photos.filter((photo) => photo.split === split).length;
  const masks = photos.filter(({ mask }) => mask !== undefined).length;
  return { classes, train: count("train"), val: count("val"), masks, missing };
}

async function findRoot(dir: string): Promise<string> {
  const { folders } = await listFolder(dir).catch((cause: unknown) => {
    throw new AppError("DATA_NOT_FOUND", `there is no folder ${dir}`, { cause });
  });
  const inner = folders.find((path) => path === "Annotations" || path.endsWith("/Annotations"));
  if (inner === undefined) {
    const hint = "Unpack VOCtrainval and give VOCdevkit/VOC2012.";
    throw new AppError("DATA_NOT_FOUND", `${dir} has no Annotations/: it is no PASCAL VOC tree`, { hint });
  }
  return join(dir, inner.slice(0, -"Annotations".length));
}

interface Listed {
  readonly id: string;
  readonly split: "train" | "val";
}

/** Those of segmentation, which have masks; else those of classification; else every annotation, for training. */
async function readLists(root: string): Promise<Listed[]> {
  for (const folder of ["Segmentation", "Main"]) {
    const train = await readIds(join(root, "ImageSets", folder, "train.txt"));
    const val = await readIds(join(root, "ImageSets", folder, "val.txt"));
    const listed = [...tagged(train, "train"), ...tagged(val, "val")];
    if (train.length > 0) return listed;
  }
  const { files } = await listFolder(join(root, "Annotations"));
  return tagged(files.filter((path) => path.endsWith(".xml")).map(withoutExtension), "train");
}

function tagged(ids: readonly string[], split: Listed["split"]): Listed[] {
  return ids.map((id) => ({ id, split }));
}

async function readIds(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  const ids = text.split("\n").map((line) => line.trim().split(/\s+/, 1)[0]!);
  // A name, never a way: what a list says ends up in a path.
  return ids.filter((id) => /^[\w.-]+$/.test(id) && id !== "..");
}

async function readOne(root: string, id: string): Promise<{ source: string | null; tags: readonly string[] | null }> {
  const source = join(root, "JPEGImages", `${id}.jpg`);
  const path = join(root, "Annotations", `${id}.xml`);
  if (!(await isFile(source)) || !(await isFile(path))) return { source: null, tags: null };
  if ((await stat(path)).size > annotationBytesMax) throw new AppError("DATA_TAGS", `${path} is too large to be one`);
  try {
    return { source, tags: readVocAnnotation(await readFile(path, "utf8")).classes };
  } catch (cause) {
    throw new AppError("DATA_TAGS", `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Id in the mask -> our id. VOC's twenty have fixed ids; other sets of this layout number theirs alphabetically. */
function maskIds(classes: readonly string[]): ReadonlyMap<number, number> {
  const names = classes.every((name) => vocClasses.includes(name)) ? vocClasses : [...classes].sort(compareBytewise);
  return new Map(classes.map((name, index) => [names.indexOf(name) + 1, index + 1]));
}

async function readMask(root: string, id: string, idOf: ReadonlyMap<number, number>): Promise<Uint8Array | undefined> {
  const bytes = await readFile(join(root, "SegmentationClass", `${id}.png`)).catch(() => null);
  if (bytes === null) return undefined;
  const { width, height, labels } = readMaskPng(bytes);
  const ours = labels.map((label) => (label === 0 || label === IGNORE ? label : (idOf.get(label) ?? 0)));
  return writeMaskPng(width, height, ours);
}
