/** A log file that does not grow for ever: when it is full it becomes FILE.1, replacing the one before, and begins anew. */
import { appendFile, rename, stat } from "node:fs/promises";
import { Writable } from "node:stream";
import { logBytesMax } from "../../shared/limits.js";

export class CappedLog {
  private bytes: number | null = null;

  constructor(
    private readonly path: string,
    private readonly bytesMax: number = logBytesMax,
  ) {}

  /** One call at a time. */
  async append(chunk: Uint8Array | string): Promise<void> {
    this.bytes ??= (await stat(this.path).catch(() => null))?.size ?? 0;
    const length = Buffer.byteLength(chunk);
    if (this.bytes > 0 && this.bytes + length > this.bytesMax) {
      await rename(this.path, `${this.path}.1`);
      this.bytes = 0;
    }
    await appendFile(this.path, chunk);
    this.bytes += length;
  }

  /** Takes what a child process prints. A log that cannot be written is no reason to stop it. */
  stream(): Writable {
    return new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.append(chunk).then(
          () => done(),
          () => done(),
        );
      },
    });
  }
}
