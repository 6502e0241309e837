/** Photos and masks, served by digest from where they lie on the coordinator's disk. */
import { readFile } from "node:fs/promises";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import type { BlobSource } from "../../shared/net/blobs.js";

export class FileBlobs implements BlobSource {
  constructor(private readonly paths: ReadonlyMap<Digest, string>) {}

  async get(digest: Digest): Promise<Uint8Array | null> {
    const path = this.paths.get(digest);
    if (path === undefined) return null;
    const bytes = await readFile(path);
    if (sha256(bytes) !== digest) {
      throw new AppError("DIGEST_MISMATCH", `${path} has changed since the run began`, {
        hint: "Put the original file back, or start a new run.",
      });
    }
    return bytes;
  }
}
