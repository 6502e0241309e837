import { expect, test } from "vitest";
import { MemoryFloats } from "./floats.js";
import { WeightAverage } from "./weight-average.js";

const average = (decay: number, start = new Float32Array(2), steps = 0) => {
  return new WeightAverage(new MemoryFloats(start), decay, steps);
};

async function after(teacher: WeightAverage, steps: readonly (readonly number[])[]): Promise<number[]> {
  for (const step of steps) await teacher.add(Float32Array.from(step));
  const values = new Float32Array(2);
  await teacher.copyInto(values);
  return [...values];
}

test("begins with the first step's parameters, is their mean while young, then forgets at its rate", async () => {
  // What was there before the first step does not matter.
  expect(await after(average(0.5, Float32Array.of(99, 99)), [[1, 2]])).toEqual([1, 2]);
  expect(
    await after(average(0.9), [
      [0, 0],
      [2, 4],
      [4, 8],
    ]),
  ).toEqual([2, 4].map((value) => Math.fround(value)));
  expect(
    await after(average(0.5), [
      [0, 0],
      [2, 4],
      [5, 8],
    ]),
  ).toEqual([3, 5]);
});

test("goes on from a checkpoint to the same bits", async () => {
  const steps = [
    [0.1, 3],
    [0.7, -2],
    [0.3, 5],
    [0.2, 1],
  ];
  const whole = await after(average(0.6), steps);
  const half = new Float32Array(2);
  await after(average(0.6, half), steps.slice(0, 2));
  expect(await after(average(0.6, half, 2), steps.slice(2))).toEqual(whole);
});
