import { beforeAll, describe, expect, test } from "vitest";
import { Rng } from "../../../shared/rng.js";
import type { Backbone } from "../backbone/backbone.js";
import type { SegmentationNetwork } from "../network.js";
import type { Params } from "../nn/conv.js";
import { initialValues, type ParamDef, splitFlat } from "../params.js";
import { numericError, plainTf } from "../testing.js";
import type { Tensor, Tensor4D, Tf } from "../tf.js";
import { borderNetwork } from "./border.js";
import { capsuleNetwork } from "./capsule.js";
import { fullyConvolutional } from "./fcn.js";
import { linearNetwork } from "./linear.js";
import { route, squash } from "./routing.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

const channels = [4, 5, 6, 7];
const frozen: Backbone = {
  channels,
  defs: [],
  variables: new Map(),
  frozen: true,
  taps: () => [],
  dispose: () => {},
};

/** Taps of two images of 64 x 32 pixels. */
function taps(): Tensor4D[] {
  return channels.map((c, i) => {
    return tf.randomNormal([2, 16 / 2 ** i, 8 / 2 ** i, c], 0, 1, "float32", i + 1) as Tensor4D;
  });
}

function paramsOf(defs: readonly ParamDef[], change: (name: string, values: Float32Array) => void = () => {}): Params {
  const views = splitFlat(defs, initialValues(defs, [3, "test"], new Map()));
  const tensors = new Map(
    defs.map(({ name, shape }) => {
      const values = views.get(name)!;
      change(name, values);
      return [name, tf.tensor(values, [...shape]) as Tensor];
    }),
  );
  return (name) => tensors.get(name)!;
}

test("the linear network classifies every cell of one tap by itself", () => {
  const network = linearNetwork(tf, frozen, 3, 8);
  const all = taps();
  const params = paramsOf(network.defs);
  const [logits] = network.logits(all, params, false);
  expect(logits!.shape).toEqual([2, 8, 4, 3]);
  const flat = all[1]!
    .reshape([-1, 5])
    .matMul(params("linear/kernel").reshape([5, 3]))
    .add(params("linear/bias"));
  expect(logits!.sub(flat.reshape(logits!.shape)).abs().max().dataSync()[0]).toBeLessThan(1e-6);
});

const fcn = (stride: 32 | 16 | 8) => fullyConvolutional(tf, frozen, { channels: 8 }, 3, stride);

describe("FCN", () => {
  test.each([
    [32, [2, 2, 1, 3]],
    [16, [2, 4, 2, 3]],
    [8, [2, 8, 4, 3]],
  ] as const)("FCN-%is scores at its stride", (stride, shape) => {
    const network = fcn(stride);
    expect(network.logits(taps(), paramsOf(network.defs), false)[0]!.shape).toEqual(shape);
  });

  test("starts out as FCN-32s: skips are zero", () => {
    const [coarse, fine] = [fcn(32), fcn(8)];
    const logits = (network: SegmentationNetwork) => network.logits(taps(), paramsOf(network.defs), false)[0]!;
    const half = tf.image.resizeBilinear(logits(coarse), [4, 2], false, true);
    const enlarged = tf.image.resizeBilinear(half, [8, 4], false, true);
    expect(logits(fine).sub(enlarged).abs().max().dataSync()[0]).toBeLessThan(1e-6);
  });

  test("a skip that has learnt adds detail", () => {
    const network = fcn(8);
    const plain = network.logits(taps(), paramsOf(network.defs), false)[0]!;
    const learnt = paramsOf(network.defs, (name, values) => name === "fcn/skip1/kernel" && values.fill(0.1));
    const difference = network.logits(taps(), learnt, false)[0]!.sub(plain);
    const expected = taps()[1]!.sum(3, true).mul(0.1);
    expect(difference.sub(expected).abs().max().dataSync()[0]).toBeLessThan(1e-5);
  });
});

test("Border Network: a map of stride 4 per stage; a coarse stage sees the finer ones, not the other way round", () => {
  const network = borderNetwork(tf, frozen, 3);
  const params = paramsOf(network.defs);
  const maps = network.logits(taps(), params);
  expect(maps.map(({ shape }) => shape)).toEqual(Array.from({ length: 4 }, () => [2, 16, 8, 1]));
  const changed = taps().map((tap, i) => (i === 2 ? (tap.add(1) as Tensor4D) : tap));
  const moved = network.logits(changed, params).map((map, i) => map.sub(maps[i]!).abs().max().dataSync()[0]! > 1e-6);
  expect(moved).toEqual([false, false, true, true]);
});

describe("routing by agreement", () => {
  /** The paper's procedure, number by number. */
  function byHand(votes: number[][][], iterations: number): number[][] {
    const [I, J, D] = [votes.length, votes[0]!.length, votes[0]![0]!.length];
    const b = votes.map((row) => row.map(() => 0));
    let v: number[][] = [];
    for (let r = 0; r < iterations; r++) {
      const c = b.map((row) => {
        const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
        return row.map((x) => Math.exp(x) / total);
      });
      v = Array.from({ length: J }, (_, j) => {
        const s = Array.from({ length: D }, (_, d) => votes.reduce((sum, own, i) => sum + c[i]![j]! * own[j]![d]!, 0));
        const square = s.reduce((sum, x) => sum + x * x, 0);
        return s.map((x) => ((square / (1 + square)) * x) / Math.sqrt(square));
      });
      for (let i = 0; i < I; i++) {
        for (let j = 0; j < J; j++) b[i]![j] = b[i]![j]! + votes[i]![j]!.reduce((sum, x, d) => sum + x * v[j]![d]!, 0);
      }
    }
    return v;
  }

  test.each([1, 2, 3])("does what the paper's procedure does (%i iterations)", (iterations) => {
    const rng = new Rng("routing");
    const votes = Array.from({ length: 4 }, () =>
      Array.from({ length: 3 }, () => Array.from({ length: 2 }, () => rng.normal())),
    );
    const { v_MJD, lengths_MJ } = route(tf, tf.tensor4d([votes]), iterations);
    const expected = byHand(votes, iterations);
    v_MJD.dataSync().forEach((value, at) => {
      expect(value).toBeCloseTo(expected.flat()[at]!, 5);
    });
    lengths_MJ.dataSync().forEach((value, j) => {
      expect(value).toBeCloseTo(Math.hypot(...expected[j]!), 5);
    });
  });

  test("children that agree win their parent; one that contradicts is heard less", () => {
    const votes = tf.tensor4d([
      [
        [
          [1, 0],
          [0.2, 0],
        ],
        [
          [1, 0.1],
          [-0.2, 0],
        ],
        [
          [1, -0.1],
          [0, 0.2],
        ],
      ],
    ]);
    const once = route(tf, votes, 1).lengths_MJ.dataSync();
    const routed = route(tf, votes, 3).lengths_MJ.dataSync();
    expect(routed[0]!).toBeGreaterThan(once[0]!);
    expect(routed[1]!).toBeLessThan(once[1]!);
  });

  test("squash keeps the direction and maps length 2 to 4/5; its gradient is finite at 0", () => {
    const out = squash(tf.tensor2d([[0, 2]])).dataSync();
    expect(out[0]).toBe(0);
    expect(out[1]).toBeCloseTo(0.8, 5);
    const gradient = tf.grad((x) => squash(x).sum())(tf.zeros([1, 4]));
    expect(gradient.isFinite().all().dataSync()[0]).toBe(1);
  });

  test("has the gradient of its formula", () => {
    const votes = tf.randomNormal([2, 3, 2, 2], 0, 1, "float32", 9);
    const weight = tf.tensor2d([1, -2, 0.5, 3], [2, 2]);
    const f = (x: Tensor) => route(tf, x as Tensor4D, 3).lengths_MJ.mul(weight);
    expect(numericError(tf, f, [votes])).toBeLessThan(2e-3);
  });
});

test("capsule network: logits of stride 8 that differ, with gradients for every parameter", () => {
  const network = capsuleNetwork(tf, frozen, 8, 3);
  const params = paramsOf(network.defs);
  const [logits] = network.logits(taps(), params, false);
  expect(logits!.shape).toEqual([2, 8, 4, 3]);
  const values = logits!.dataSync();
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values)).toBeLessThan(10);
  expect(Math.max(...values)).toBeGreaterThan(0.1);
  const tensors = network.defs.map(({ name }) => params(name));
  const gradients = tf.grads((...given: Tensor[]) => {
    const byName = new Map(network.defs.map(({ name }, i) => [name, given[i]!]));
    return network
      .logits(taps(), (name) => byName.get(name)!, false)[0]!
      .square()
      .sum();
  })(tensors);
  gradients.forEach((gradient, i) => {
    expect(gradient.abs().max().dataSync()[0], network.defs[i]!.name).toBeGreaterThan(0);
  });
});
