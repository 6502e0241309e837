import { beforeAll, describe, expect, test } from "vitest";
import { plainTf } from "../testing.js";
import type { Tensor, Tensor4D, Tf } from "../tf.js";
import { groupNorm } from "./group-norm.js";
import { relu, relu6 } from "./relu.js";
import { upsample } from "./upsample.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

/** Largest difference between a function's own gradient and central differences, over all inputs. */
function gradientError(f: (...inputs: Tensor[]) => Tensor, inputs: readonly Tensor[]): number {
  const scalar = (...args: Tensor[]) => f(...args).sum() as never;
  const exact = tf.grads(scalar)([...inputs]);
  const at = (values: readonly Tensor[]) => scalar(...values) as unknown as Tensor;
  let worst = 0;
  inputs.forEach((input, k) => {
    const values = input.dataSync();
    for (let i = 0; i < values.length; i++) {
      const shifted = (by: number) => {
        const moved = values.slice();
        moved[i] = moved[i]! + by;
        const tensors = inputs.map((other, j) => (j === k ? tf.tensor(moved, input.shape) : other));
        return at(tensors).dataSync()[0]!;
      };
      const step = 1e-2;
      const numeric = (shifted(step) - shifted(-step)) / (2 * step);
      worst = Math.max(worst, Math.abs(numeric - exact[k]!.dataSync()[i]!));
    }
  });
  return worst;
}

describe("group norm", () => {
  const options = { groups: 2, relu: false };

  test("gives every group of every image mean 0 and deviation 1", () => {
    const x = tf.randomNormal([2, 4, 4, 4], 3, 5, "float32", 1) as Tensor4D;
    const y = groupNorm(tf, x, tf.ones([4]), tf.zeros([4]), options);
    for (const image of tf.unstack(y)) {
      for (const group of tf.split(image, 2, 2)) {
        const { mean, variance } = tf.moments(group);
        expect(mean.dataSync()[0]).toBeCloseTo(0, 4);
        expect(variance.dataSync()[0]).toBeCloseTo(1, 3);
      }
    }
  });

  test("an image's result does not depend on its company", () => {
    const x = tf.randomNormal([3, 4, 4, 4], 0, 1, "float32", 2) as Tensor4D;
    const gamma = tf.tensor1d([1, 2, 3, 4]);
    const beta = tf.tensor1d([0, 1, 0, -1]);
    const together = groupNorm(tf, x, gamma, beta, options).unstack()[1]!;
    const alone = groupNorm(tf, x.slice([1], [1]), gamma, beta, options);
    expect([...alone.dataSync()]).toEqual([...together.dataSync()]);
  });

  test.each([false, true])("has the gradient of its formula (ReLU: %s)", (withRelu) => {
    const x = tf.randomNormal([2, 2, 3, 4], 0, 1, "float32", 3);
    const weight = tf.randomNormal([2, 2, 3, 4], 0, 1, "float32", 4);
    const f = (a: Tensor, gamma: Tensor, beta: Tensor) =>
      groupNorm(tf, a as Tensor4D, gamma, beta, { groups: 2, relu: withRelu }).mul(weight);
    const beta = tf.tensor1d([2, 3, -4, 2.5]); // Far from ReLU's kink, where central differences mean nothing.
    expect(gradientError(f, [x, tf.tensor1d([0.5, 0.7, 0.9, -0.6]), beta])).toBeLessThan(0.02);
  });
});

describe("relu6", () => {
  test("passes the gradient between 0 and 6", () => {
    const x = tf.tensor1d([-1, 0, 5, 6, 7]);
    expect([...relu6(tf, x).dataSync()]).toEqual([0, 0, 5, 6, 6]);
    const gradient = tf.grad((a) => relu6(tf, a).mul(tf.tensor1d([2, 3, 4, 5, 6])))(x);
    expect([...gradient.dataSync()].map(Math.abs)).toEqual([0, 0, 4, 0, 0]);
  });
});

describe("relu", () => {
  test("passes the gradient where the input is positive", () => {
    const gradient = tf.grad((x) => relu(tf, x).mul(tf.tensor1d([2, 3, 4])))(tf.tensor1d([-1, 0, 5]));
    expect([...gradient.dataSync()]).toEqual([0, 0, 4]);
  });
});

describe("upsample", () => {
  test("puts cell centres on half positions: a doubled ramp keeps its mean", () => {
    const ramp = tf.tensor4d([0, 1, 2, 3], [1, 1, 4, 1]);
    expect([...upsample(tf, ramp, 1, 8).dataSync()]).toEqual([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]);
  });

  test("has the gradient of its formula", () => {
    const x = tf.randomNormal([2, 3, 2, 2], 0, 1, "float32", 5);
    const weight = tf.randomNormal([2, 12, 8, 2], 0, 1, "float32", 6);
    const f = (a: Tensor) => upsample(tf, a as Tensor4D, 12, 8).mul(weight);
    expect(gradientError(f, [x])).toBeLessThan(0.01);
  });
});
