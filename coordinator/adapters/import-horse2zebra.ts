/** horse2zebra as its authors published it, verified byte for byte: from a folder, a ZIP, or the address where it lies. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import pLimit from "p-limit";
import { sha256 } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import { compareToKnown, type KnownFile, type KnownSet, parseKnownSet, type SetFinding } from "../data/known-set.js";
import { fileKind } from "../data/paths.js";
import { listFolder } from "./data-source.js";
import { download } from "./download.js";
import { writeFileDurably } from "./files.js";
import { type ZipEntry, zipEntries } from "./zip-source.js";

export const horse2zebraUrl = "http://efrosgans.eecs.berkeley.edu/cyclegan/datasets/horse2zebra.zip";
/** The archive has 111 MB. */
const zipBytesMax = 200 * 1000 * 1000;
const folderName = "horse2zebra";
const filesAtOnce = 4;

/** SHA-256, bytes and path of all 2,661 images. */
const publishedList = new URL("../../assets/horse2zebra.sha256.tsv.gz", import.meta.url);

export interface ImportProgress {
  readonly onFetch: (done: number, total: number) => void;
  readonly onFile: (done: number, total: number) => void;
}

export async function readPublishedList(path?: string): Promise<KnownSet> {
  const bytes = await readFile(path ?? publishedList).catch((cause: unknown) => {
    throw new AppError("DATA_NOT_FOUND", `cannot read the list of digests ${path ?? ""}`, { cause });
  });
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return parseKnownSet((isPacked ? gunzipSync(bytes) : bytes).toString("utf8"), folderName);
}

/** What of the set lies in a folder. Nothing is written. */
export async function verifyFolder(
  dir: string,
  known: KnownSet,
  onFile: ImportProgress["onFile"],
): Promise<{ readonly root: string; readonly finding: SetFinding }> {
  const root = await rootWithin(dir);
  const { files } = await listFolder(root);
  const images = files.filter((path) => known.has(path) || fileKind(path) === "image");
  const limit = pLimit(filesAtOnce);
  let done = 0;
  const digests = await Promise.all(
    images.map((path) =>
      limit(async () => {
        const digest = await digestOfFile(join(root, path));
        onFile(++done, images.length);
        return [path, digest] as const;
      }),
    ),
  );
  return { root, finding: compareToKnown(known, new Map(digests)) };
}

/** People unpack an archive into a folder of its own name, or beside it. */
async function rootWithin(dir: string): Promise<string> {
  const found = await stat(dir).catch(() => null);
  if (!found) throw new AppError("DATA_NOT_FOUND", `there is no ${dir}`);
  const inner = join(dir, folderName);
  return (await stat(inner).catch(() => null))?.isDirectory() ? inner : dir;
}

/**
 * Unpacks the set's images, and nothing else, into `outDir`. An image is written only when its bytes are the published
 * ones; those that are there already, whole, stay.
 */
export async function unpackVerified(
  zipPath: string,
  outDir: string,
  known: KnownSet,
  onFile: ImportProgress["onFile"],
): Promise<SetFinding> {
  const found = new Map<string, string>();
  let done = 0;
  for await (const entry of zipEntries(zipPath)) {
    const path = entry.name.startsWith(`${folderName}/`) ? entry.name.slice(folderName.length + 1) : entry.name;
    const wanted = known.get(path);
    if (wanted) {
      found.set(path, await unpackOne(entry, wanted, join(outDir, path)));
      onFile(++done, known.size);
    } else if (fileKind(path) === "image" && !path.startsWith("__MACOSX/")) found.set(path, "foreign");
  }
  return compareToKnown(known, found);
}

/** Its digest. What is there already, whole, is not written again; what has another size is not even unpacked. */
async function unpackOne(entry: ZipEntry, wanted: KnownFile, target: string): Promise<string> {
  if ((await digestOfFile(target).catch(() => null)) === wanted.sha256) return wanted.sha256;
  if (entry.bytes !== wanted.bytes) return "another size";
  const bytes = await entry.read();
  const digest = sha256(bytes);
  if (digest === wanted.sha256) await writeFileDurably(target, bytes);
  return digest;
}

/** The archive, beside the folder it will be unpacked to. */
export async function fetchArchive(
  url: string,
  outDir: string,
  onFetch: ImportProgress["onFetch"],
  signal: AbortSignal,
): Promise<string> {
  const path = join(dirname(outDir), `${basename(outDir)}.zip`);
  await mkdir(dirname(path), { recursive: true });
  if (!(await stat(path).catch(() => null))) {
    await download({ url, path, bytesMax: zipBytesMax, onProgress: onFetch, signal });
  }
  return path;
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
