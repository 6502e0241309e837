/** Whether all numbers of a sum are finite, looked at while its other parts are still computed: nothing waits for it when it is whole. */
import { notFiniteIndex } from "../../shared/math/vectors.js";
import { eachWritten, type SumProgress } from "../compute/sum-progress.js";

export class FiniteLook {
  /** Of the parts, those that have been looked at. */
  private readonly seen = new Set<number>();
  /** Where the first number is, of those, that is NaN or infinite. */
  private found = Number.POSITIVE_INFINITY;

  constructor(
    private readonly values: Float32Array,
    private readonly progress: SumProgress,
  ) {}

  /** Looks at what has been written since it last did. */
  look(): void {
    eachWritten(this.progress, (part, first, end) => {
      if (this.seen.has(part)) return;
      this.seen.add(part);
      this.lookAt(first, end);
    });
  }

  /** Looks at all that it has not: the sum is whole. Where the first number is that is NaN or infinite; -1: nowhere. */
  rest(): number {
    let from = 0;
    eachWritten(this.progress, (part, first, end) => {
      if (!this.seen.has(part)) return;
      this.lookAt(from, first);
      from = end;
    });
    this.lookAt(from, this.values.length);
    return Number.isFinite(this.found) ? this.found : -1;
  }

  private lookAt(first: number, end: number): void {
    if (first >= end) return;
    const at = notFiniteIndex(this.values.subarray(first, end));
    if (at >= 0) this.found = Math.min(this.found, first + at);
  }
}
