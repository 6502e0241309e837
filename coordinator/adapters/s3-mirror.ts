/**
 * A folder of S3-compatible storage as a folder of this machine: fetched once, brought up to date by every command that
 * names it. What was fetched stays when one is interrupted.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import pLimit from "p-limit";
import { z } from "zod";
import { AppError } from "../../shared/errors.js";
import { S3Folder, type S3Object } from "../../shared/storage/s3.js";
import { checkListing, type Fetched, planMirror } from "../data/mirror-plan.js";
import { readJson, writeJson } from "./files.js";

export interface MirrorOptions {
  /** Holds the mirrors of all places. */
  readonly cacheDir: string;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Photos are small: what counts is how many requests are under way. */
const transfersAtOnce = 16;

/** Returns the folder. @throws AppError DATA_NOT_FOUND, DATA_BROKEN, STORAGE_REFUSED, DOWNLOAD_FAILED, INTERRUPTED */
export async function mirrorS3(url: string, options: MirrorOptions): Promise<string> {
  const folder = new S3Folder(url);
  try {
    return await new Mirror(folder, options).update();
  } finally {
    await folder.close();
  }
}

class Mirror {
  private readonly root: string;
  private readonly memo: string;
  private fetched: Record<string, string> = Object.create(null);

  constructor(
    private readonly folder: S3Folder,
    private readonly options: MirrorOptions,
  ) {
    const { bucket, prefix } = folder.place;
    const place = createHash("sha256").update(`${folder.endpoint}\n${prefix}`).digest("hex").slice(0, 12);
    this.root = join(options.cacheDir, `${bucket}-${place}`, "files");
    this.memo = join(dirname(this.root), "fetched.json");
  }

  async update(): Promise<string> {
    const { signal, onProgress } = this.options;
    const objects: S3Object[] = [];
    for await (const object of this.folder.list(signal)) objects.push(object);
    if (objects.length === 0) throw new AppError("DATA_NOT_FOUND", `${this.folder.url} holds nothing`);
    checkListing(objects);
    this.fetched = Object.assign(this.fetched, await this.readMemo());
    const { fetch, remove } = planMirror(objects, this.fetched, await this.onDisk());
    await Promise.all(remove.map((path) => rm(join(this.root, path), { force: true })));
    const limit = pLimit(transfersAtOnce);
    let done = 0;
    try {
      await Promise.all(
        fetch.map((object) =>
          limit(async () => {
            await this.get(object);
            onProgress?.(++done, fetch.length);
          }),
        ),
      );
    } finally {
      limit.clearQueue();
      if (fetch.length > 0) await writeJson(this.memo, this.fetched);
    }
    return this.root;
  }

  private async get({ path, etag, bytes }: S3Object): Promise<void> {
    const { signal } = this.options;
    const target = join(this.root, path);
    const draft = `${target}.part`;
    await mkdir(dirname(target), { recursive: true });
    const body = await this.folder.read(path, signal);
    try {
      await pipeline(body, createWriteStream(draft), { signal });
    } catch (cause) {
      await rm(draft, { force: true });
      if (signal?.aborted) {
        const hint = "Run the same command again: what has arrived is kept.";
        throw new AppError("INTERRUPTED", `stopped fetching ${this.folder.url}`, { hint, cause });
      }
      const known = AppError.from(cause);
      if (known.code === "DISK_FULL") throw known;
      throw new AppError("DOWNLOAD_FAILED", `cannot fetch ${path} of ${this.folder.url}: ${String(cause)}`, { cause });
    }
    const { size } = await stat(draft);
    if (size !== bytes) {
      await rm(draft, { force: true });
      throw new AppError("DOWNLOAD_FAILED", `${path} of ${this.folder.url} arrived with ${size} of ${bytes} bytes`);
    }
    await rename(draft, target);
    this.fetched[path] = etag;
  }

  private async readMemo(): Promise<Fetched> {
    // Damaged: everything is fetched anew.
    return (await readJson(this.memo, z.record(z.string(), z.string())).catch(() => null)) ?? {};
  }

  private async onDisk(): Promise<Map<string, number>> {
    const entries = await readdir(this.root, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const sizes = files.map(async (file): Promise<[string, number]> => {
      return [relative(this.root, file).replaceAll("\\", "/"), (await stat(file)).size];
    });
    return new Map(await Promise.all(sizes));
  }
}
