import { expect, test } from "vitest";
import { SumMemory } from "./sum-memory.js";

test("what is given back is taken again, and nobody has it twice", () => {
  const memory = new SumMemory();
  const [a, b] = memory.take(2, 5);
  expect(a!.buffer).not.toBe(b!.buffer);
  expect(a!.buffer).toBeInstanceOf(SharedArrayBuffer);
  memory.give(a!);
  const [again, other] = memory.take(2, 5);
  expect(again).toBe(a);
  expect([a, b]).not.toContain(other);
});

test("of another length it is let go", () => {
  const memory = new SumMemory();
  const [a] = memory.take(1, 5);
  memory.give(a!);
  expect(memory.take(1, 6)[0]).toHaveLength(6);
  expect(memory.take(1, 5)[0]).not.toBe(a);
});

test("so are bytes of sums as they travel", () => {
  const memory = new SumMemory();
  const [a, b] = [memory.takeBytes(7), memory.takeBytes(7)];
  expect([a.length, b.length]).toEqual([7, 7]);
  memory.giveBytes(a);
  expect([memory.takeBytes(7), memory.takeBytes(7)].indexOf(a)).toBe(0);
  memory.giveBytes(a);
  expect(memory.takeBytes(8)).toHaveLength(8);
  expect(memory.takeBytes(7)).not.toBe(a);
});
