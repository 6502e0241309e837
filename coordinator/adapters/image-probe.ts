/** Reads one photo or one mask whole, and says what it is or what is wrong with it. Never throws for bad input. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import { decodeSquare, imageBytesMax, readPhotoHeader } from "../../shared/data/decode.js";
import { IGNORE, type SplitName } from "../../shared/data/manifest.js";
import { looksBlackAndWhite, readMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { photoPixelsMax } from "../../shared/limits.js";
import type { ReadPhoto, TaggedPhoto } from "../data/assemble.js";
import type { TaggedPath } from "../data/layouts.js";
import type { DataProblem, ProblemKind } from "../data/problems.js";

/** Decoding to this size reads every scan line and keeps none. */
const probeSize = 16;

export async function probePhoto(root: string, split: SplitName, image: TaggedPath): Promise<ReadPhoto | DataProblem> {
  const { path, tags } = image;
  const problem = (kind: ProblemKind, message: string): DataProblem => ({ split, path, kind, message });
  const bytes = await readWhole(join(root, path));
  if (!(bytes instanceof Uint8Array)) return problem(bytes.kind, bytes.message);
  try {
    const { width, height } = await readPhotoHeader(bytes);
    if (width * height > photoPixelsMax) {
      return problem("too-large", `${width}x${height}; at most ${photoPixelsMax} pixels`);
    }
    await decodeSquare(bytes, probeSize);
    return { split, path, tags, digest: sha256(bytes), bytes: bytes.length, width, height };
  } catch (thrown) {
    return problem("unreadable", AppError.from(thrown).message);
  }
}

async function readWhole(path: string): Promise<Uint8Array | Pick<DataProblem, "kind" | "message">> {
  try {
    const { size } = await stat(path);
    if (size === 0) return { kind: "empty-file", message: "0 bytes" };
    if (size > imageBytesMax) return { kind: "too-large", message: `${size} bytes; at most ${imageBytesMax}` };
    return await readFile(path);
  } catch (thrown) {
    const error = thrown as NodeJS.ErrnoException;
    if (error.code === "ENOENT") return { kind: "missing", message: "no such file" };
    return { kind: "unreadable", message: error.message };
  }
}

export interface MaskFinding {
  /** Null when the mask cannot be used. */
  readonly digest: Digest | null;
  readonly problems: readonly string[];
}

export async function probeMask(path: string, photo: TaggedPhoto, classes: readonly string[]): Promise<MaskFinding> {
  const bytes = await readWhole(path);
  if (!(bytes instanceof Uint8Array)) return unused(bytes.message);
  try {
    const { width, height, labels } = readMaskPng(bytes);
    const problem = sizeProblem(width, height, photo) ?? labelProblem(labels, classes.length);
    if (problem) return unused(problem);
    return { digest: sha256(bytes), problems: untagged(labels, photo, classes) };
  } catch (thrown) {
    return unused(AppError.from(thrown).message);
  }
}

function unused(why: string): MaskFinding {
  return { digest: null, problems: [`not used: ${why}`] };
}

function sizeProblem(width: number, height: number, photo: TaggedPhoto): string | null {
  if (width === photo.width && height === photo.height) return null;
  return `${width}x${height}, but ${photo.path} is ${photo.width}x${photo.height} upright`;
}

function labelProblem(labels: Uint8Array, classCount: number): string | null {
  if (looksBlackAndWhite(labels)) return "holds only 0 and 255, and 255 means ignore; write the class id instead";
  const strange = idsIn(labels).filter((id) => id > classCount && id !== IGNORE);
  if (strange.length === 0) return null;
  return `holds ${strange.slice(0, 8).join(", ")}; ids are 0 to ${classCount}, and 255 for ignore`;
}

/** The mask is used all the same: it is what the tags are measured by. */
function untagged(labels: Uint8Array, photo: TaggedPhoto, classes: readonly string[]): string[] {
  const extra = idsIn(labels).filter((id) => id > 0 && id !== IGNORE && !photo.tags.includes(id));
  return extra.map((id) => `used, but shows ${classes[id - 1]}, which ${photo.path} is not tagged with`);
}

function idsIn(labels: Uint8Array): number[] {
  const seen = new Uint8Array(256);
  for (const label of labels) seen[label] = 1;
  return Array.from(seen.keys()).filter((id) => seen[id] === 1);
}
