import { describe, expect, test } from "vitest";
import { AdamW } from "./adamw.js";
import { MemoryFloats, pageFloats } from "./floats.js";
import { learningRateAt } from "./learning-rate.js";

const tensors = [
  { shape: [2, 1], learningRateScale: 1, weightDecay: true },
  { shape: [1], learningRateScale: 0.1, weightDecay: false },
  { shape: [1], learningRateScale: 0, weightDecay: true },
];

const zeros = (count: number) => new MemoryFloats(new Float32Array(count));

/** Algorithm 2 of the paper, in double precision. */
function reference(start: number, gradients: readonly number[], rate: number, decay: number): number {
  let [value, m, v] = [start, 0, 0];
  gradients.forEach((g, i) => {
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const mHat = m / (1 - 0.9 ** (i + 1));
    const vHat = v / (1 - 0.999 ** (i + 1));
    value -= rate * (mHat / (Math.sqrt(vHat) + 1e-8) + decay * value);
  });
  return value;
}

describe("AdamW (Loshchilov and Hutter 2019, algorithm 2)", () => {
  const gradients = [0.5, -1, 2, 0.25];
  const start = () => ({ steps: 0, first: zeros(4), second: zeros(4) });
  const run = async (optimizer: AdamW, values: Float32Array, from: readonly number[]) => {
    for (const g of from) await optimizer.step(values, async (at, end) => new Float32Array(end - at).fill(g), 0.01);
  };

  test("agrees with the algorithm; decay and rate are the tensor's own", async () => {
    const values = Float32Array.from([1, -2, 3, 4]);
    await run(new AdamW(tensors, { weightDecay: 0.1 }, start()), values, gradients);
    expect(values[0]).toBeCloseTo(reference(1, gradients, 0.01, 0.1), 6);
    expect(values[1]).toBeCloseTo(reference(-2, gradients, 0.01, 0.1), 6);
    expect(values[2]).toBeCloseTo(reference(3, gradients, 0.001, 0), 6);
    expect(values[3]).toBe(4);
  });

  test("goes on from a saved state with the same bits", async () => {
    const whole = Float32Array.from([1, -2, 3, 4]);
    await run(new AdamW(tensors, { weightDecay: 0.1 }, start()), whole, gradients);
    const parts = Float32Array.from([1, -2, 3, 4]);
    const first = new AdamW(tensors, { weightDecay: 0.1 }, start());
    await run(first, parts, gradients.slice(0, 2));
    const second = new AdamW(tensors, { weightDecay: 0.1 }, first.state());
    await run(second, parts, gradients.slice(2));
    expect(parts).toEqual(whole);
  });

  test("multiplies the gradient by its scale, and refuses what is not finite then", async () => {
    const step = async (gradient: number, scale: number) => {
      const values = Float32Array.from([1, -2, 3, 4]);
      const page = async () => new Float32Array(4).fill(gradient);
      const isNumber = await new AdamW(tensors, { weightDecay: 0.1 }, start()).step(values, page, 0.01, { scale });
      return isNumber ? values : null;
    };
    expect(await step(4, 0.25)).toEqual(await step(1, 1));
    expect(await step(3e38, 2)).toBeNull();
  });

  test("is the same for numbers on another page, whatever tensor they belong to", async () => {
    const count = pageFloats + 3;
    const wide = [
      { shape: [pageFloats - 1], learningRateScale: 1, weightDecay: false },
      { shape: [3], learningRateScale: 0.1, weightDecay: true },
      { shape: [1], learningRateScale: 0, weightDecay: false },
    ];
    const moments = { steps: 0, first: zeros(count), second: zeros(count) };
    const values = new Float32Array(count).fill(1);
    await run(new AdamW(wide, { weightDecay: 0.1 }, moments), values, gradients);
    expect(values[pageFloats - 2]).toBeCloseTo(reference(1, gradients, 0.01, 0), 6);
    for (const i of [pageFloats - 1, pageFloats, pageFloats + 1]) {
      expect(values[i]).toBeCloseTo(reference(1, gradients, 0.001, 0.1), 6);
    }
    expect(values[pageFloats + 2]).toBe(1);
  });
});

describe("the learning rate", () => {
  const options = { steps: 100, learningRate: 0.002, warmupSteps: 20, schedulePower: 0.9 };

  test("rises linearly, peaks after the warm-up, and falls to almost nothing", () => {
    expect(learningRateAt(0, options)).toBeCloseTo(0.002 / 21, 9);
    expect(learningRateAt(20, options)).toBe(Math.fround(0.002));
    expect(learningRateAt(60, options)).toBeCloseTo(0.002 * 0.5 ** 0.9, 9);
    expect(learningRateAt(99, options)).toBeLessThan(0.0001);
  });

  test("power 0 keeps it constant", () => {
    expect(learningRateAt(99, { ...options, schedulePower: 0 })).toBe(Math.fround(0.002));
  });
});
