/** One piece of work at a time, in order, and no more waiting than is useful to whoever waits. */
import { HttpError } from "../http/http.js";

export class BoundedQueue {
  private held = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** `waitingMax`: beyond the one under way. */
  constructor(private readonly waitingMax: number) {}

  get length(): number {
    return this.held;
  }

  /** A place is taken before the photo is read, so that photos in memory are bounded too. @throws HttpError QUEUE_FULL */
  async hold<T>(use: (inTurn: <R>(work: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T> {
    if (this.held > this.waitingMax) {
      throw new HttpError(503, "QUEUE_FULL", `${this.held} photos are waiting already`, "Try again in a moment.");
    }
    this.held++;
    try {
      return await use((work) => this.inTurn(work));
    } finally {
      this.held--;
    }
  }

  private inTurn<R>(work: () => Promise<R>): Promise<R> {
    const done = this.last.then(work);
    this.last = done.catch(() => undefined);
    return done;
  }
}
