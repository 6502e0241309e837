import { expect, test } from "vitest";
import { BytePool } from "./byte-pool.js";

test("what is given back is taken again where the length is the same, and nobody has it twice", () => {
  const pool = new BytePool(6);
  const [a, b] = [pool.take(3), pool.take(3)];
  expect(a).not.toBe(b);
  pool.give(a);
  expect(pool.take(4)).not.toBe(a);
  expect(pool.take(3)).toBe(a);
  expect(pool.take(3)).not.toBe(a);
});

test("no more is kept than was said, the newest", () => {
  const pool = new BytePool(5);
  const [a, b] = [pool.take(3), pool.take(3)];
  pool.give(a);
  pool.give(b);
  expect(pool.take(3)).toBe(b);
  expect(pool.take(3)).not.toBe(a);
});

test("what it does not have it takes from where it is told", () => {
  const made = new Uint8Array(3);
  const pool = new BytePool(5, () => made);
  expect(pool.take(3)).toBe(made);
});
