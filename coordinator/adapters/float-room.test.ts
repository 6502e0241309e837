import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { MemoryFloats } from "../../shared/aggregate/floats.js";
import { FloatRoom } from "./float-room.js";
import { Scratch } from "./scratch.js";

const dir = mkdtempSync(join(tmpdir(), "seedgrow-room-"));
afterAll(() => rmSync(dir, { recursive: true }));

test("what is closed is used again, once, for what is as long", async () => {
  const room = new FloatRoom(10);
  const [state, sum] = [room.take(10)!, room.take(12)!];
  expect(state.values.buffer).toBe(sum.values.buffer);
  expect(room.take(11)).toBeNull();
  await state.close();
  await state.close();
  expect([room.take(12)!.values, room.take(10)!.values, room.take(10)!.values].indexOf(state.values)).toBe(1);
});

test("sums that come packed, and a page of one, have their place; another wire has another room", async () => {
  const room = new FloatRoom(10, "bf16");
  // Ten of two bytes, two of four.
  const packed = room.take(7)!;
  expect(packed.values.buffer).toBe(room.take(12)!.values.buffer);
  await packed.close();
  expect(room.take(7)!.values).toBe(packed.values);
  expect(new FloatRoom(10).take(7)).toBeNull();
  const scratch = new Scratch(dir, 1e6);
  scratch.enter(10, "bf16");
  const { buffer } = scratch.memory(10).values;
  scratch.enter(10, "bf16");
  expect(scratch.memory(10).values.buffer).toBe(buffer);
  scratch.enter(10, "int8");
  expect(scratch.memory(10).values.buffer).not.toBe(buffer);
});

test("without room arrays lie elsewhere, and are not kept", async () => {
  const room = new FloatRoom(100_000);
  const all = Array.from({ length: 40 }, () => room.take(100_000)!);
  const elsewhere = all.filter(({ values }) => values.buffer instanceof ArrayBuffer);
  expect(elsewhere.length).toBeGreaterThan(0);
  expect(elsewhere.length).toBeLessThan(20);
  for (const floats of elsewhere) await floats.close();
  const again = room.take(100_000)!;
  expect(elsewhere.some(({ values }) => values === again.values)).toBe(false);
});

test("a model's state and sums lie together in memory that is zero to begin with; what is placed there keeps its numbers", async () => {
  const scratch = new Scratch(dir, 1e6);
  scratch.enter(5);
  const dirty = scratch.memory(5);
  dirty.values.fill(7);
  await dirty.close();
  const zeros = (await scratch.floats(5)) as MemoryFloats;
  expect(zeros.values).toBe(dirty.values);
  expect(zeros.values).toEqual(new Float32Array(5));
  const values = Float32Array.of(1, 2, 3, 4, 5);
  const placed = [scratch.placedInMemory(values), await scratch.placed(new MemoryFloats(values))] as MemoryFloats[];
  for (const floats of placed) {
    expect(floats.values.buffer).toBe(zeros.values.buffer);
    expect(floats.values).toEqual(values);
  }
  scratch.enter(6);
  expect(scratch.memory(6).values.buffer).not.toBe(zeros.values.buffer);
});

test("a model that is too large for memory stays where it is", async () => {
  const scratch = new Scratch(dir, 19);
  scratch.enter(5);
  const values = new Float32Array(5);
  expect(scratch.placedInMemory(values).values).toBe(values);
  const floats = new MemoryFloats(values);
  expect(await scratch.placed(floats)).toBe(floats);
});
