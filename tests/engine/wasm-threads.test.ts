/** Threads of the wasm engine: they do take part, and nothing comes out differently. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

const root = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

interface Answer {
  readonly first: Readonly<Record<string, string>>;
  readonly last: Readonly<Record<string, string>>;
  readonly helped: number;
}

async function computed(threads: number): Promise<Answer> {
  const script = root("tests/engine/wasm-threads.mjs");
  const { stdout } = await promisify(execFile)(process.execPath, [script, root("dist"), String(threads)]);
  return JSON.parse(stdout);
}

let alone: Answer;
beforeAll(async () => {
  alone = await computed(1);
  expect(alone.helped).toBe(0);
});

test.each([2, 3, 8])("%i threads share the work, and arrive at the bits of one", async (threads) => {
  const { first, last, helped } = await computed(threads);
  expect(helped).toBeGreaterThan(0);
  expect(first).toEqual(alone.first);
  expect(last).toEqual(alone.first);
});
