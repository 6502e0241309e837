/**
 * Compute threads side by side, for work in which no piece depends on another. There is one from the start; another starts
 * whenever work waits, and the work goes to whichever thread is free first.
 */
import { AppError } from "../../shared/errors.js";
import type { ComputeClient } from "./client.js";
import type { EngineInfo } from "./messages.js";

export type PoolThread = Pick<ComputeClient, "engine" | "isDead" | "close">;

/** When all threads are busy, each is sent one piece more: it need not wait until the next one arrives, 4 % of a raw prediction. */
const piecesPerThread = 2;

interface Waiting<T> {
  readonly resolve: (thread: T) => void;
  readonly reject: (error: AppError) => void;
}

export class ComputePool<T extends PoolThread> {
  /** Pieces that each thread has. */
  private readonly held: Map<T, number>;
  private waiting: Waiting<T>[] = [];
  private starting: Promise<void> | null = null;
  private isClosed = false;
  readonly engine: EngineInfo;

  private constructor(
    first: T,
    private readonly start: () => Promise<T>,
    readonly threadsMax: number,
  ) {
    this.held = new Map([[first, 0]]);
    this.engine = first.engine;
  }

  /** @throws AppError as `start` does for the first thread */
  static async open<T extends PoolThread>(
    start: () => Promise<T>,
    threadsMax: (engine: EngineInfo) => number,
  ): Promise<ComputePool<T>> {
    const first = await start();
    return new ComputePool(first, start, threadsMax(first.engine));
  }

  /** @throws AppError as `work` does, as `start` where another thread was needed, INTERRUPTED after `close` */
  async run<R>(work: (thread: T) => Promise<R>): Promise<R> {
    const thread = await new Promise<T>((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      this.dispatch();
    });
    try {
      return await work(thread);
    } finally {
      this.held.set(thread, this.held.get(thread)! - 1);
      this.dispatch();
    }
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.dispatch();
    await this.starting;
    await Promise.all([...this.held.keys()].map((thread) => thread.close()));
  }

  private dispatch(): void {
    if (this.isClosed) this.refuse(new AppError("INTERRUPTED", "the compute threads were closed"));
    while (this.waiting.length > 0) {
      const thread = this.freest();
      if (!thread) {
        this.grow();
        return;
      }
      this.held.set(thread, this.held.get(thread)! + 1);
      this.waiting.shift()!.resolve(thread);
    }
  }

  private freest(): T | undefined {
    const living = [...this.held].filter(([{ isDead }]) => !isDead);
    const piecesMax = living.length < this.threadsMax ? 1 : piecesPerThread;
    return living.filter(([, pieces]) => pieces < piecesMax).toSorted(([, a], [, b]) => a - b)[0]?.[0];
  }

  private grow(): void {
    const living = [...this.held.keys()].filter(({ isDead }) => !isDead);
    if (this.starting || living.length >= this.threadsMax) return;
    this.starting = this.start()
      .then(
        (thread) => void this.held.set(thread, 0),
        (thrown: unknown) => this.refuse(AppError.from(thrown)),
      )
      .finally(() => {
        this.starting = null;
        this.dispatch();
      });
  }

  private refuse(error: AppError): void {
    for (const { reject } of this.waiting) reject(error);
    this.waiting = [];
  }
}
