import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again until the answer is neither null nor false; what was waited for is the error's message. */
export async function until<T>(
  what: string,
  ask: () => T | null | false | Promise<T | null | false>,
  timeoutMs = 60_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer;
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms in vain for: ${what}`);
    await sleep(25);
  }
}
