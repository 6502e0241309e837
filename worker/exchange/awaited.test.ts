import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Awaited } from "./awaited.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How a wait stands. */
function watched(wait: Promise<void>): { is: string } {
  const seen = { is: "waiting" };
  wait.then(
    () => {
      seen.is = "there";
    },
    (error: Error) => {
      seen.is = error.message;
    },
  );
  return seen;
}

const turn = () => vi.advanceTimersByTimeAsync(0);

test("all who wait for a vector hear of it, and nobody else", async () => {
  const awaited = new Awaited(1_000);
  const waits = ["a/1/x", "a/1/x", "a/1/y"].map((name) => watched(awaited.wait(name, true)));
  awaited.came("a/1/x");
  await turn();
  expect(waits.map(({ is }) => is)).toEqual(["there", "there", "waiting"]);
});

test("of a step that is over nothing is waited for", async () => {
  const awaited = new Awaited(1_000);
  const wait = watched(awaited.wait("a/1/x", true));
  awaited.enter("a/2");
  await turn();
  expect(wait.is).toBe("a/1/x does not come");
});

test("a step that has not begun here is waited for, not for ever", async () => {
  const awaited = new Awaited(1_000);
  const [next, another] = ["a/2/x", "a/3/x"].map((name) => watched(awaited.wait(name, false)));
  awaited.enter("a/2");
  await vi.advanceTimersByTimeAsync(60_000);
  expect([next!.is, another!.is]).toEqual(["waiting", "a/3/x does not come"]);
  awaited.came("a/2/x");
  await turn();
  expect(next!.is).toBe("there");
  expect(awaited.count).toBe(0);
});

test("whoever leaves lets all go", async () => {
  const awaited = new Awaited(1_000);
  const waits = [watched(awaited.wait("a/1/x", true)), watched(awaited.wait("a/2/x", false))];
  awaited.end();
  await turn();
  expect(waits.map(({ is }) => is)).toEqual(["a/1/x does not come", "a/2/x does not come"]);
  expect(vi.getTimerCount()).toBe(0);
});
