/** The photos of a run in S3-compatible storage: read there, so that the coordinator need not send them. */
import { buffer } from "node:stream/consumers";
import { AppError } from "../../shared/errors.js";
import { S3Folder } from "../../shared/storage/s3.js";

export class Bucket {
  private readonly folder: S3Folder;
  private isReported = false;

  constructor(
    url: string,
    private readonly signal: AbortSignal,
    /** Called for the first object that cannot be read: the coordinator is asked instead, for this one and all like it. */
    private readonly onTrouble: (error: AppError) => void,
  ) {
    this.folder = new S3Folder(url);
  }

  /** Null when it cannot be had. */
  async get(path: string): Promise<Uint8Array | null> {
    try {
      return await buffer(await this.folder.read(path, this.signal));
    } catch (thrown) {
      if (!this.isReported && !this.signal.aborted) this.onTrouble(AppError.from(thrown));
      this.isReported = true;
      return null;
    }
  }

  async close(): Promise<void> {
    await this.folder.close();
  }
}
