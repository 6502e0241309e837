import { expect, test } from "vitest";
import { ByteBudget } from "./byte-budget.js";

/** Work that ends when told, and says when it began. */
function job(log: string[], name: string) {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = async () => {
    log.push(name);
    await ended;
  };
  return { work, end };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("what fits runs at once, the rest in order as room is made; too much for the budget goes alone", async () => {
  const budget = new ByteBudget(10);
  const log: string[] = [];
  const [a, b, huge, c] = ["a", "b", "huge", "c"].map((name) => job(log, name)) as [
    ReturnType<typeof job>,
    ...ReturnType<typeof job>[],
  ];
  const runs = [budget.run(6, a.work), budget.run(4, b!.work), budget.run(50, huge!.work), budget.run(1, c!.work)];
  await settle();
  expect(log).toEqual(["a", "b"]);
  a.end();
  await settle();
  expect(log).toEqual(["a", "b"]);
  b!.end();
  await settle();
  expect(log).toEqual(["a", "b", "huge"]);
  huge!.end();
  await settle();
  expect(log).toEqual(["a", "b", "huge", "c"]);
  c!.end();
  await Promise.all(runs);
});

test("work that fails gives its room back", async () => {
  const budget = new ByteBudget(1);
  await expect(budget.run(1, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  expect(await budget.run(1, async () => 7)).toBe(7);
});
