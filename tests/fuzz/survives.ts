/** Runs a parser on damaged input: an error of ours with a code a user can act on, or an answer; never anything else. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.js";

/** `npm run fuzz` raises it; each target takes its share. */
const cases = Number(process.env.SEEDGROW_FUZZ ?? 4_000);
/** CI tries the same cases every time; the long run other ones, and prints the seed of a failure. */
const seed = process.env.SEEDGROW_FUZZ ? Date.now() % 2 ** 31 : 1;
/** A parser that takes longer for a few kilobytes hangs, for all a user can tell. Far above a busy machine's pauses. */
const hangMs = 20_000;
/** A damaged file must not cost much more memory than a whole one. */
const memoryBytesMax = 1536 * 1024 * 1024;

export let total = 0;

/** `share` of all cases. Anything thrown that is no AppError, or one that blames us (INTERNAL), is a failure. */
export function fuzz<T>(
  name: string,
  share: number,
  input: fc.Arbitrary<T>,
  parse: (input: T) => unknown,
  check: (input: T) => void | Promise<void> = () => undefined,
): void {
  const numRuns = Math.max(20, Math.round(cases * share));
  test(`${name} (${numRuns} cases)`, { timeout: 20 * 60_000 }, async () => {
    const property = fc.asyncProperty(input, async (one) => {
      total++;
      const startedMs = performance.now();
      try {
        await parse(one);
      } catch (thrown) {
        expect(thrown, (thrown as Error).stack).toBeInstanceOf(AppError);
        expect((thrown as AppError).code, (thrown as AppError).stack).not.toBe("INTERNAL");
      }
      expect(performance.now() - startedMs).toBeLessThan(hangMs);
      expect(process.memoryUsage.rss()).toBeLessThan(memoryBytesMax);
      expect(Object.keys(Object.prototype), "keys that every object has now").toEqual([]);
      await check(one);
    });
    await fc.assert(property, { seed, numRuns, interruptAfterTimeLimit: 15 * 60_000, markInterruptAsFailure: false });
  });
}
