/**
 * Files of a ZIP, one after the other, with limits: an archive is the only input that can be a thousand times larger than it
 * looks. Names that lead out of the folder are refused (yauzl checks them), and so are entries that claim more than a limit.
 */
import { promisify } from "node:util";
import yauzl, { type Entry, type ZipFile } from "yauzl";
import { imageBytesMax } from "../../shared/data/decode.js";
import { AppError } from "../../shared/errors.js";
import { zipBytesMax, zipEntriesMax } from "../../shared/limits.js";

export interface ZipEntry {
  /** With forward slashes, never absolute, never with "..". */
  readonly name: string;
  readonly bytes: number;
  /** @throws AppError DATA_BROKEN when it is damaged, or larger than it claims. */
  readonly read: () => Promise<Uint8Array>;
}

const openZipFile = promisify<string, yauzl.Options, ZipFile>(yauzl.open);

/** Files only; each must be read, or passed over, before the next. @throws AppError DATA_NOT_FOUND, DATA_BROKEN */
export async function* zipEntries(path: string): AsyncGenerator<ZipEntry> {
  const zip = await openZipFile(path, { lazyEntries: true, autoClose: false }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw new AppError("DATA_NOT_FOUND", `there is no ${path}`, { cause });
    throw broken(path, cause);
  });
  try {
    if (zip.entryCount > zipEntriesMax)
      throw broken(path, `it has ${zip.entryCount} entries; at most ${zipEntriesMax}`);
    let total = 0;
    for (let entry = await next(zip, path); entry; entry = await next(zip, path)) {
      if (entry.fileName.endsWith("/")) continue;
      const { fileName: name, uncompressedSize: bytes } = entry;
      total += bytes;
      if (bytes > imageBytesMax) throw broken(path, `${name} claims ${bytes} bytes; at most ${imageBytesMax}`);
      if (total > zipBytesMax) throw broken(path, `it claims more than ${zipBytesMax} bytes in all`);
      const held = entry;
      yield { name, bytes, read: () => readEntry(zip, held, path) };
    }
  } finally {
    zip.close();
  }
}

function next(zip: ZipFile, path: string): Promise<Entry | null> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      zip.removeAllListeners();
      finish();
    };
    zip.once("entry", (entry: Entry) => settle(() => resolve(entry)));
    zip.once("end", () => settle(() => resolve(null)));
    zip.once("error", (cause: Error) => settle(() => reject(broken(path, cause))));
    zip.readEntry();
  });
}

/** yauzl ends a stream that grows beyond the size its entry claims. */
async function readEntry(zip: ZipFile, entry: Entry, path: string): Promise<Uint8Array> {
  try {
    const stream = await promisify<Entry, NodeJS.ReadableStream>(zip.openReadStream.bind(zip))(entry);
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch (cause) {
    throw broken(path, new Error(`${entry.fileName}: ${(cause as Error).message}`));
  }
}

function broken(path: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError("DATA_BROKEN", `${path} cannot be unpacked: ${reason}`, {
    hint: "Fetch the archive again, or unpack it yourself and give the folder.",
    cause: cause instanceof Error ? cause : undefined,
  });
}
