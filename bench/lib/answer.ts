/**
 * Our end of a measurement: after a first line with what it is, a program answers every line of its standard input,
 * {"seconds": S}, with how much work per second it did in S seconds. It ends when its input does.
 */
import { createInterface } from "node:readline";

/** What the harness has passed. */
export function givenWork<T>(): T {
  return JSON.parse(process.argv[2]!);
}

/** `unit` does a piece of work and says how much that was. */
export async function answer(version: string, unit: () => Promise<number> | number): Promise<void> {
  await unit();
  await answerEach(version, async (seconds) => {
    const startedMs = performance.now();
    let done = 0;
    do done += await unit();
    while (performance.now() - startedMs < seconds * 1000);
    return (done * 1000) / (performance.now() - startedMs);
  });
}

/** The same for work that takes its own time: `measure` answers with the rate. */
export async function answerEach(version: string, measure: (seconds: number) => Promise<number>): Promise<void> {
  const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
  say({ version });
  for await (const line of createInterface({ input: process.stdin })) {
    const { seconds } = JSON.parse(line) as { readonly seconds: number };
    say({ rate: await measure(seconds) });
  }
}
