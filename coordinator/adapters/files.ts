/** Files that are there whole or not at all: written beside, flushed to the disk, renamed. */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { z } from "zod";
import { AppError } from "../../shared/errors.js";

/** `content` in one piece, or in several that are written one after the other. */
export async function writeFileDurably(
  path: string,
  content: Uint8Array | string | AsyncIterable<Uint8Array>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    const file = await open(draft, "w");
    try {
      const pieces = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
      for await (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    await syncDir(dirname(path));
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw diskError(path, error);
  }
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileDurably(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Null when there is no such file. @throws AppError CHECKPOINT_INVALID when it is not what the schema says. */
export async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    throw new AppError("CHECKPOINT_INVALID", `${path} is damaged or of another version`, { cause: error });
  }
}

/** False when the file is there already. */
export async function createExclusively(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncDir(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw diskError(path, error);
  }
}

/** The rename itself must survive a power cut. */
async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  await handle.sync().finally(() => handle.close());
}

function diskError(path: string, error: unknown): AppError {
  const { code, message } = AppError.from(error);
  return new AppError(code, `cannot write ${path}: ${message}`, { cause: error });
}

/** Fills `bytes` from the file at `at`; false when it ends before. */
export async function readFully(file: FileHandle, bytes: Uint8Array, at: number): Promise<boolean> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, at + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}
