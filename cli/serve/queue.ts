/** A few pieces of work at a time, in order, and no more waiting than is useful to whoever waits. */
import pLimit, { type LimitFunction } from "p-limit";
import { HttpError } from "../http/http.js";

export class BoundedQueue {
  private held = 0;
  private readonly inTurn: LimitFunction;

  /** `waitingMax`: beyond the `atOnce` under way. */
  constructor(
    private readonly waitingMax: number,
    private readonly atOnce: number,
  ) {
    this.inTurn = pLimit(atOnce);
  }

  get length(): number {
    return this.held;
  }

  /** A place is taken before the photo is read, so that photos in memory are bounded too. @throws HttpError QUEUE_FULL */
  async hold<T>(use: (inTurn: <R>(work: () => Promise<R>) => Promise<R>) => Promise<T>): Promise<T> {
    if (this.held >= this.waitingMax + this.atOnce) {
      throw new HttpError(503, "QUEUE_FULL", `${this.held} photos are waiting already`, "Try again in a moment.");
    }
    this.held++;
    try {
      return await use(this.inTurn);
    } finally {
      this.held--;
    }
  }
}
