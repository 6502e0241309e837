import { expect, test } from "vitest";
import { VectorMemory } from "../../shared/math/vectors.js";
import type { GradientJob } from "../compute/contract.js";
import { gradientSums } from "./gradient-sums.js";

type Compute = Parameters<typeof gradientSums>[0];
const stage = { model: "classifier", round: 0 } as const;

/** Puts its sum into the last room, as another thread does: its views are not the caller's. */
function thread() {
  const given: number[] = [];
  const call = async (_: string, { rooms = [] }: GradientJob) => {
    given.push(rooms.length);
    const room = rooms.length - 1;
    const values = room < 0 ? Float32Array.of(7) : rooms[room]!.subarray(0).fill(7);
    const sum = { node: { level: 0, index: 0 }, due: null, values };
    return { result: [room < 0 ? sum : { ...sum, room }], computeMs: 3 };
  };
  return { given, compute: { call } as unknown as Compute };
}

const job = (rooms: readonly Float32Array[]) => ({ stage, step: 0, leafCount: 1, microBatches: [], rooms });

test("a sum is the room that it lies in, and the others are left", async () => {
  const rooms = [1, 2].map(() => new VectorMemory(1).floats(1));
  const { sums, left, computeMs } = await gradientSums(thread().compute, job(rooms));
  expect(sums[0]!.values).toBe(rooms[1]);
  expect([...rooms[1]!]).toEqual([7]);
  expect(left).toEqual([rooms[0]]);
  expect(left[0]).toBe(rooms[0]);
  expect(computeMs).toBe(3);
});

test("memory that threads do not share is not given: what is written to a copy would be lost", async () => {
  const { compute, given } = thread();
  const rooms = [new Float32Array(1)];
  const { sums, left } = await gradientSums(compute, job(rooms));
  expect(given).toEqual([0]);
  expect([...sums[0]!.values]).toEqual([7]);
  expect(left[0]).toBe(rooms[0]);
});
