import { describe, expect, test } from "vitest";
import { MemoryFloats } from "./floats.js";
import { OuterModel, type OuterOptions } from "./outer.js";

const options: OuterOptions = { learningRate: 0.7, momentum: 0.9, replicas: 2, localSteps: 2, emaDecay: 0 };

function model(values: readonly number[], own: Partial<OuterOptions> = {}): OuterModel {
  const optimizer = { steps: 0, momentum: new MemoryFloats(new Float32Array(values.length)) };
  const average = own.emaDecay ? new MemoryFloats(new Float32Array(values.length)) : null;
  return new OuterModel({ values: Float32Array.from(values), optimizer, average }, { ...options, ...own });
}

/** What two replicas have moved by, old minus new, then the sum of losses, then images. */
function total(a: readonly number[], b: readonly number[]) {
  return new MemoryFloats(Float32Array.from([...a.map((value, i) => value + b[i]!), 6, 4]));
}

const shown = (values: Float32Array) => [...values].map((value) => Number(value.toFixed(5)));

describe("the outer step (DiLoCo, algorithm 1)", () => {
  test("moves by the mean of the replicas with Nesterov's momentum: numbers worked out by hand", async () => {
    const outer = model([1, 2]);
    // Mean .3, -.2; velocity the same; .7 x (mean + .9 x velocity) = .399, -.266.
    expect(await outer.update(total([0.2, -0.4], [0.4, 0]), 0)).toBe(1.5);
    expect(shown(outer.values)).toEqual([0.601, 2.266]);
    // Mean .1, .1; velocity .9 x .3 + .1 = .37 and -.08; .7 x (.1 + .333) = .3031 and .7 x (.1 - .072) = .0196.
    await outer.update(total([0.1, 0.1], [0.1, 0.1]), 2);
    expect(shown(outer.values)).toEqual([0.2979, 2.2464]);
  });

  test("with rate 1 and no momentum is the plain average of the replicas", async () => {
    const outer = model([1, 2], { learningRate: 1, momentum: 0 });
    await outer.update(total([1 - 0.5, 2 - 4], [1 - 1.5, 2 - 1]), 0);
    expect(shown(outer.values)).toEqual([1, 2.5]);
  });

  test("goes on from a checkpoint to the same bits, and not without its momentum", async () => {
    const moves = [0.125, 0.3, -0.7].map((move) => () => total([move, 1], [0.3, -move]));
    const whole = model([1, 2]);
    for (const [i, move] of moves.entries()) await whole.update(move(), i);
    const half = model([1, 2]);
    for (const i of [0, 1]) await half.update(moves[i]!(), i);
    const { values, optimizer } = half.state;
    expect(optimizer.steps).toBe(2);
    const resumed = new OuterModel({ values: values.slice(), optimizer, average: null }, options);
    await resumed.update(moves[2]!(), 2);
    expect(resumed.values).toEqual(whole.values);
    const amnesiac = model([...half.state.values]);
    await amnesiac.update(moves[2]!(), 2);
    expect(amnesiac.values).not.toEqual(whole.values);
  });

  test("ends training that has no number any more", async () => {
    const outer = model([1, 2]);
    await expect(outer.update(total([Number.NaN, 0], [0, 0]), 5)).rejects.toThrow("after step 5 is not finite");
  });

  test("a mean teacher forgets as fast as it would by single steps", async () => {
    const outer = model([0], { learningRate: 1, momentum: 0, emaDecay: 0.5 });
    for (const to of [8, 4, 2]) await outer.update(total([outer.values[0]! - to], [outer.values[0]! - to]), 0);
    await outer.finish();
    // Two steps of decay .5 keep .25: 8, then .25 x 8 + .75 x 4 = 5, then .25 x 5 + .75 x 2.
    expect(shown(outer.values)).toEqual([2.75]);
  });
});
