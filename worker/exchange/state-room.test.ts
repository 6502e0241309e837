import { expect, test } from "vitest";
import { float32Of } from "../../shared/codec/digest.js";
import { StateRooms, stateParts } from "./state-room.js";

const [small, large] = [1_000, 3_000];
const all = [...stateParts];

test("of a model that is not larger lies where the one before lay, and nothing of it lies twice", () => {
  const rooms = new StateRooms();
  const before = rooms.of(all, large);
  const { parts, pool, page } = rooms.of(["first", "second", "values"], small);
  const arrays = [parts.values, parts.first, parts.second, page, float32Of(pool.take(400)), float32Of(pool.take(400))];
  expect(parts.average).toHaveLength(0);
  for (const [i, array] of arrays.entries()) {
    expect(array.buffer).toBe(before.parts.values.buffer);
    array.fill(i);
  }
  for (const [i, array] of arrays.entries()) expect(new Set(array)).toEqual(new Set([i]));
});

test("of a larger model is another", () => {
  const rooms = new StateRooms();
  const { buffer } = rooms.of(all, small).parts.values;
  const { values, average } = rooms.of(all, large).parts;
  expect(values.buffer).not.toBe(buffer);
  expect([values.length, average.length]).toEqual([large, large]);
});
