/** Keeps an engine running: one that is lost (a GPU's driver, memory) is started again in place, a few times. */
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../shared/errors.js";
import { revivalAfter } from "../core/revival.js";
import type { ComputeClient } from "./client.js";
import type { EngineInfo } from "./messages.js";

/** What is asked of a compute thread. */
export type ComputeThread = Pick<ComputeClient, "engine" | "died" | "setup" | "call" | "close">;

export interface EngineKeeperOptions {
  readonly start: () => Promise<ComputeThread>;
  readonly nowMs: () => number;
  readonly log: (message: string) => void;
  /** Waits, and throws when it is told to stop; left out: by the clock. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

async function pauseByClock(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal });
}

export class EngineKeeper {
  private readonly lossesMs: number[] = [];
  private readonly closing = new AbortController();
  private reviving: Promise<void> = Promise.resolve();
  private lastReason = "";
  private giveUp: (error: AppError) => void = () => undefined;
  /** Rejects when it is not started again any more. @throws AppError ENGINE_FAILED */
  readonly ended = new Promise<never>((_, reject) => {
    this.giveUp = reject;
  });

  private constructor(
    private thread: ComputeThread,
    private readonly options: EngineKeeperOptions,
  ) {
    // Not everybody waits for it.
    this.ended.catch(() => undefined);
    this.watch();
  }

  /** @throws AppError ENGINE_MISSING | ENGINE_FAILED when it does not start the first time */
  static async start(options: EngineKeeperOptions): Promise<EngineKeeper> {
    return new EngineKeeper(await options.start(), options);
  }

  get engine(): EngineInfo {
    return this.thread.engine;
  }

  /** So far, with the last one's reason. Grows before any call learns that its engine is gone. */
  get losses(): { readonly count: number; readonly reason: string } {
    return { count: this.lossesMs.length, reason: this.lastReason };
  }

  /** Resolves when there is an engine: with nothing set up where it is a new one. @throws AppError ENGINE_FAILED */
  async ready(): Promise<void> {
    await this.reviving;
  }

  /** @throws AppError ENGINE_FAILED */
  readonly setup: ComputeClient["setup"] = (setup) => this.thread.setup(setup);
  /** @throws AppError ENGINE_FAILED */
  readonly call: ComputeClient["call"] = (method, ...args) => this.thread.call(method, ...args);

  async close(): Promise<void> {
    this.closing.abort();
    await this.reviving.catch(() => undefined);
    await this.thread.close();
  }

  private watch(): void {
    this.thread.died.catch((error: AppError) => {
      this.note(error.message);
      this.reviving = this.revive();
      this.reviving.catch((end: AppError) => this.giveUp(end));
    });
  }

  private note(reason: string): void {
    this.lossesMs.push(this.options.nowMs());
    this.lastReason = reason;
  }

  private async revive(): Promise<void> {
    const { log, pause = pauseByClock } = this.options;
    for (;;) {
      const next = revivalAfter(this.lossesMs);
      if (next.kind === "give-up") {
        throw new AppError("ENGINE_FAILED", `${next.reason}, the last time because: ${this.lastReason}`);
      }
      log(`engine ${this.engine.name} lost: ${this.lastReason}; starting it again in ${next.afterMs / 1000} s`);
      await pause(next.afterMs, this.closing.signal);
      try {
        this.thread = await this.startAlike();
        this.watch();
        log(`engine ${this.engine.name} computes again`);
        return;
      } catch (thrown) {
        this.note(AppError.from(thrown).message);
      }
    }
  }

  /** Another engine, or another GPU, would compute other bits. */
  private async startAlike(): Promise<ComputeThread> {
    const { fingerprint } = this.engine;
    const thread = await this.options.start();
    if (thread.engine.fingerprint === fingerprint && !this.closing.signal.aborted) return thread;
    await thread.close();
    throw new AppError("ENGINE_FAILED", `it came back as "${thread.engine.fingerprint}", was "${fingerprint}"`);
  }
}
