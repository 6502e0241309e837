/** Photos and label packs on the worker's disk, named by digest: what was pulled once is not pulled again. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import type { BlobSource } from "../../shared/net/blobs.js";

export class BlobCache implements BlobSource {
  constructor(private readonly dir: string) {}

  /** A damaged entry is deleted and counts as missing. */
  async get(digest: Digest): Promise<Uint8Array | null> {
    const path = this.pathOf(digest);
    const bytes = await readFile(path).catch(() => null);
    if (!bytes) return null;
    if (sha256(bytes) === digest) return bytes;
    await rm(path, { force: true });
    return null;
  }

  /** Best effort: a full disk costs speed, not the run. */
  async put(digest: Digest, bytes: Uint8Array): Promise<void> {
    const path = this.pathOf(digest);
    const draft = `${path}.${randomUUID()}`;
    try {
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(draft, bytes);
      await rename(draft, path);
    } catch {
      await rm(draft, { force: true }).catch(() => undefined);
    }
  }

  private pathOf(digest: Digest): string {
    return join(this.dir, digest.slice(0, 2), digest);
  }
}
