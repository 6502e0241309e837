/** V8's garbage collector in a process that is silent for as long as a step is computed, and must then answer at once. */
import { setFlagsFromString } from "node:v8";

/**
 * Memory is collected when there is none left, not when V8 thinks that a thread has nothing to do: the compute thread hears of that when
 * its engine returns, and would collect while its sums are waited for. With 16 workers on two cores that takes a tenth of a second per
 * step (docs/BENCHMARKS.md, "More workers"). Call before any other thread is started.
 */
export function collectOnlyWhenFull(): void {
  setFlagsFromString("--no-memory-reducer");
}
