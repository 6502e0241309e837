import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { AppError } from "../../shared/errors.js";
import { ComputePool } from "./pool.js";

class Thread {
  isDead = false;
  isClosed = false;
  readonly engine = { name: "fake", reason: "", version: "", device: "cpu", fingerprint: "" };

  constructor(readonly name: string) {}

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

function starter() {
  const started: Thread[] = [];
  const start = async () => {
    started.push(new Thread(`t${started.length}`));
    return started.at(-1)!;
  };
  return { started, start };
}

/** Work that lasts until it is told to end; `at` names the thread it runs on. */
function piece(pool: ComputePool<Thread>) {
  let end = () => {};
  const gate = new Promise<void>((resolve) => {
    end = resolve;
  });
  const running = { at: "", end: () => end(), done: Promise.resolve("") };
  running.done = pool.run(async ({ name }) => {
    running.at = name;
    await gate;
    return name;
  });
  return running;
}

test("work that comes one by one has one thread", async () => {
  const { started, start } = starter();
  const pool = await ComputePool.open(start, () => 4);
  for (let i = 0; i < 5; i++) expect(await pool.run(async ({ name }) => name)).toBe("t0");
  expect(started).toHaveLength(1);
});

test("threads start while work waits, up to the limit; then each has one piece ahead, and the rest waits", async () => {
  const { started, start } = starter();
  const pool = await ComputePool.open(start, () => 2);
  const pieces = Array.from({ length: 6 }, () => piece(pool));
  await turn();
  expect(pieces.map(({ at }) => at)).toEqual(["t0", "t1", "t0", "t1", "", ""]);
  expect(started).toHaveLength(2);
  pieces[1]!.end();
  await turn();
  expect(pieces.map(({ at }) => at)).toEqual(["t0", "t1", "t0", "t1", "t1", ""]);
  for (const { end } of pieces) end();
  expect(await Promise.all(pieces.map(({ done }) => done))).toEqual(["t0", "t1", "t0", "t1", "t1", "t0"]);
});

test("what fails is the caller's, and its thread goes on", async () => {
  const pool = await ComputePool.open(starter().start, () => 1);
  await expect(pool.run(() => Promise.reject(new Error("broken photo")))).rejects.toThrow("broken photo");
  expect(await pool.run(async ({ name }) => name)).toBe("t0");
});

test("a thread that has died is replaced", async () => {
  const { started, start } = starter();
  const pool = await ComputePool.open(start, () => 1);
  const { done, end } = piece(pool);
  const next = piece(pool);
  const later = piece(pool);
  started[0]!.isDead = true;
  for (const one of [{ end }, next, later]) one.end();
  await Promise.all([done, next.done]);
  expect(await later.done).toBe("t1");
});

test("one that cannot start is an error for those who wait, and no other", async () => {
  const first = new Thread("t0");
  const outOfMemory = new AppError("ENGINE_FAILED", "out of memory");
  const starts = [Promise.resolve(first), Promise.reject(outOfMemory)];
  const pool = await ComputePool.open(
    () => starts.shift()!,
    () => 2,
  );
  const running = piece(pool);
  await expect(pool.run(async () => "")).rejects.toBe(outOfMemory);
  running.end();
  expect(await running.done).toBe("t0");
});

test("closing ends all threads, those that are starting too, and refuses what waits and what comes", async () => {
  const { started, start } = starter();
  const pool = await ComputePool.open(start, () => 2);
  const running = piece(pool);
  const waiting = expect(pool.run(async () => "")).rejects.toMatchObject({ code: "INTERRUPTED" });
  await pool.close();
  await waiting;
  await expect(pool.run(async () => "")).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(started.map(({ isClosed }) => isClosed)).toEqual([true, true]);
  running.end();
  await running.done;
});
