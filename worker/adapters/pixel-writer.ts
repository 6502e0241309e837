/**
 * This thread's end of the one that writes decoded pixels. Takes what it is given as long as it keeps up and
 * at a moderate pace; never waits. Pixels go
 * through a few buffers, over and over: V8 counts no shared memory, and a thread that allocates next to nothing else would hold
 * on to every photo it has ever been shown.
 */
import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { AppError } from "../../shared/errors.js";
import { pixelsPendingBytesMax, pixelsWrittenPerSecondMax } from "../../shared/limits.js";
import { WritePace } from "../core/write-pace.js";
import type { PixelFolderOptions } from "./pixel-folder.js";

export type PixelRequest =
  | { readonly kind: "write"; readonly name: string; readonly pixels: Uint8Array }
  | { readonly kind: "touch"; readonly name: string }
  | { readonly kind: "end" };

export interface PixelResponse {
  /** Answers a write: its buffer is free. */
  readonly isWritten: boolean;
  readonly trouble: string | null;
}

export interface PixelWriter {
  /** Makes room, if there is too much. */
  start(): void;
  write(name: string, pixels: Uint8Array): void;
  touch(name: string): void;
  /** When what was taken is written. */
  close(): Promise<void>;
}

/** What a disk that is slower than this is still given at the end. */
const closeMsMax = 2_000;

export class ThreadPixelWriter implements PixelWriter {
  private thread: Worker | null = null;
  private readonly pace: WritePace;
  private readonly free: Uint8Array[] = [];
  /** In the order in which they will be answered. */
  private readonly pending: Uint8Array[] = [];
  private isOver = false;
  private isReported = false;

  constructor(
    private readonly options: PixelFolderOptions,
    /** Called once: from then on photos may be decoded anew. */
    private readonly onTrouble: (error: AppError) => void,
    private readonly nowMs: () => number,
    bytesPerSecond = pixelsWrittenPerSecondMax * availableParallelism(),
  ) {
    this.pace = new WritePace(bytesPerSecond, bytesPerSecond);
  }

  start(): void {
    if (this.thread || this.isOver) return;
    const thread = new Worker(new URL("./pixel-thread.js", import.meta.url), { workerData: this.options });
    thread.unref();
    thread.on("message", ({ isWritten, trouble }: PixelResponse) => {
      if (isWritten) this.free.push(this.pending.shift()!);
      if (trouble !== null) this.report(trouble);
    });
    thread.on("error", (thrown: unknown) => this.report(String(thrown)));
    thread.on("exit", () => {
      this.isOver = true;
    });
    this.thread = thread;
  }

  write(name: string, pixels: Uint8Array): void {
    // The pace first: a buffer that is taken and not used costs more than all else here.
    if (this.isOver || !this.pace.take(pixels.length, this.nowMs())) return;
    const buffer = this.bufferOf(pixels.length);
    if (!buffer) return;
    buffer.set(pixels);
    this.pending.push(buffer);
    this.post({ kind: "write", name, pixels: buffer });
  }

  touch(name: string): void {
    this.post({ kind: "touch", name });
  }

  async close(): Promise<void> {
    if (!this.thread || this.isOver) return;
    const ended = once(this.thread, "exit");
    this.post({ kind: "end" });
    this.isOver = true;
    const timer = setTimeout(() => void this.thread?.terminate(), closeMsMax);
    await ended;
    clearTimeout(timer);
  }

  /** Null: as many as may wait do. A free one of another length is an earlier run's, and dropped. */
  private bufferOf(length: number): Uint8Array | null {
    const free = this.free.pop();
    if (free?.length === length) return free;
    const pendingBytes = this.pending.reduce((sum, buffer) => sum + buffer.length, 0);
    return pendingBytes + length <= pixelsPendingBytesMax ? new Uint8Array(new SharedArrayBuffer(length)) : null;
  }

  private post(request: PixelRequest): void {
    if (this.isOver) return;
    this.start();
    this.thread!.postMessage(request);
  }

  private report(what: string): void {
    if (this.isReported) return;
    this.isReported = true;
    this.onTrouble(new AppError("CACHE_UNWRITABLE", `decoded photos are not kept on disk: ${what}`));
  }
}
