/**
 * How fast may be written what can as well be written later: a token bucket. Writing takes a tenth of the time of decoding or more,
 * and decoding is all that an epoch waits for where a GPU computes: this keeps a first epoch what it was. Pure.
 */
export class WritePace {
  private atMs: number | null = null;
  private creditBytes: number;

  constructor(
    private readonly bytesPerSecond: number,
    private readonly burstBytes: number,
  ) {
    this.creditBytes = burstBytes;
  }

  /** Whether so many bytes may be written now; then they count. What is larger than a burst waits for a whole one. */
  take(bytes: number, nowMs: number): boolean {
    const passedMs = nowMs - (this.atMs ?? nowMs);
    this.atMs = nowMs;
    this.creditBytes = Math.min(this.burstBytes, this.creditBytes + (passedMs / 1000) * this.bytesPerSecond);
    if (this.creditBytes < Math.min(bytes, this.burstBytes)) return false;
    this.creditBytes -= bytes;
    return true;
  }
}
