/** Fetches one large file; what has arrived stays as FILE.part, and the next try, or the next command, goes on from there. */
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Response } from "undici";
import { AppError } from "../../shared/errors.js";
import { downloadAttemptsMax, downloadIdleMs } from "../../shared/limits.js";
import { fetchOutside } from "../../shared/net/proxy.js";

export interface DownloadOptions {
  readonly url: string;
  readonly path: string;
  /** Larger is refused. */
  readonly bytesMax: number;
  /** `total` is 0 while the server has not said. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
  /** Between two tries, milliseconds. */
  readonly pauseMs?: number;
}

/** @throws AppError DOWNLOAD_FAILED, with what arrived kept; INTERRUPTED. */
export async function download(options: DownloadOptions): Promise<void> {
  const part = `${options.path}.part`;
  await mkdir(dirname(part), { recursive: true });
  for (let attempt = 1; ; attempt++) {
    try {
      await fetchRest(options, part);
      break;
    } catch (thrown) {
      if (options.signal?.aborted) throw interrupted(part, thrown);
      if (thrown instanceof AppError) throw thrown;
      if (attempt === downloadAttemptsMax) throw failed(options.url, thrown);
      await pause((options.pauseMs ?? 1_000) * attempt);
    }
  }
  await rename(part, options.path);
}

async function fetchRest({ url, bytesMax, onProgress, signal }: DownloadOptions, part: string): Promise<void> {
  const held = (await stat(part).catch(() => null))?.size ?? 0;
  const idle = new IdleSignal(downloadIdleMs, signal);
  try {
    const headers: Record<string, string> = held > 0 ? { range: `bytes=${held}-` } : {};
    const response = await fetchOutside(url, { headers, signal: idle.signal });
    // Nothing is left to fetch, or the file there is another one by now.
    if (response.status === 416) return await restart(response, held, part);
    if (!response.ok || !response.body) throw failed(url, new Error(`the server answers ${response.status}`));
    const from = response.status === 206 ? held : 0;
    const total = from + Number(response.headers.get("content-length") ?? 0);
    if (total > bytesMax) throw failed(url, new Error(`it has ${total} bytes; at most ${bytesMax}`));
    let done = from;
    const file = createWriteStream(part, { flags: from > 0 ? "a" : "w" });
    try {
      for await (const chunk of response.body) {
        idle.touch();
        done += chunk.length;
        if (done > bytesMax) throw failed(url, new Error(`it is larger than ${bytesMax} bytes`));
        if (!file.write(chunk)) await new Promise<void>((resolve) => file.once("drain", () => resolve()));
        onProgress?.(done, total);
      }
    } finally {
      await new Promise<void>((resolve) => file.end(() => resolve()));
    }
    if (total > from && done < total) throw new Error(`it broke off after ${done} of ${total} bytes`);
  } finally {
    idle.stop();
  }
}

/** "bytes *\/123": the whole size. */
async function restart(response: Response, held: number, part: string): Promise<void> {
  const whole = Number(/\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1] ?? -1);
  if (whole === held) return;
  await rm(part, { force: true });
  throw new Error("the file there has changed: it is fetched from its beginning");
}

/** Fires when nothing came for a while, or when the caller's signal does. */
class IdleSignal {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(
    idleMs: number,
    private readonly outer: AbortSignal | undefined,
  ) {
    outer?.addEventListener("abort", this.abort, { once: true });
    this.timer = setTimeout(this.abort, idleMs);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  touch(): void {
    this.timer.refresh();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.outer?.removeEventListener("abort", this.abort);
  }

  private readonly abort = (): void => this.controller.abort();
}

function failed(url: string, thrown: unknown): AppError {
  const error = thrown as Error & { cause?: Error };
  const reason = error.cause?.message || error.message;
  return new AppError("DOWNLOAD_FAILED", `cannot fetch ${url}: ${reason}`, { cause: error });
}

function interrupted(part: string, cause: unknown): AppError {
  const hint = "Run the same command again: it goes on where it stopped.";
  return new AppError("INTERRUPTED", `the download stopped; what arrived is in ${part}`, { hint, cause });
}
