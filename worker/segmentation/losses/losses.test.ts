import { beforeAll, describe, expect, test } from "vitest";
import { numericError, plainTf } from "../testing.js";
import type { Tensor4D, Tf } from "../tf.js";
import { borderRadius, borderTarget, focalLoss } from "./border.js";
import { pairwiseLoss } from "./pairwise.js";
import { collisionEntropy, softCrossEntropy } from "./region-losses.js";
import { balancedWeights, confidenceWeights, equalWeights, softLabels } from "./targets.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

describe("targets", () => {
  const labelled = { labels: [0, 0, 1, 255, 1, 2], regions: [0, 0, 0, 0, 1, 1], regionCount: 2 };

  test("hard labels are one class; 255 is none", () => {
    const soft = softLabels(labelled, 3, 0);
    expect([...soft]).toEqual([1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  test("soft labels lean towards their superpixel", () => {
    const soft = softLabels(labelled, 3, 0.5);
    expect(soft[0]).toBeCloseTo(0.5 + 0.5 * (2 / 3));
    expect(soft[1]).toBeCloseTo(0.5 / 3);
    expect([...soft.slice(9, 12)]).toEqual([0, 0, 0]);
    expect([...soft.slice(12)]).toEqual([0, 0.75, 0.25, 0, 0.25, 0.75]);
  });

  test("balanced: half for the object, half for the rest; all for the rest where there is no object", () => {
    expect([...balancedWeights([0, 0, 0, 0, 2, 1, 255])]).toEqual([0.125, 0.125, 0.125, 0.125, 0.25, 0.25, 0]);
    expect([...balancedWeights([0, 0, 255, 0, 0])]).toEqual([0.25, 0.25, 0, 0.25, 0.25]);
  });

  test("equal weights are a mean; nothing known weighs nothing", () => {
    expect([...equalWeights([0, 255, 1, 1, 0])]).toEqual([0.25, 0, 0.25, 0.25, 0.25]);
    expect([...equalWeights([255, 255])]).toEqual([0, 0]);
  });

  test("confidence: undecided labels weigh nothing", () => {
    const soft = Float32Array.of(1, 0, 0.5, 0.5, 0.75, 0.25, 0, 0);
    const weights = confidenceWeights(soft, 2);
    expect(weights[0]).toBeCloseTo(2 / 3);
    expect(weights[2]).toBeCloseTo(1 / 3);
    expect([weights[1], weights[3]]).toEqual([0, 0]);
  });
});

describe("region losses", () => {
  const logits = () => tf.tensor4d([1, 3, -2, 0.5], [1, 1, 2, 2]);
  const s = (own: number, other: number) => 1 / (1 + Math.exp(other - own));

  test("soft cross entropy by hand", () => {
    const target = tf.tensor4d([0.1, 0.4, 0.5, 0], [1, 1, 2, 2]);
    const expected = -0.1 * Math.log(s(1, 3)) - 0.4 * Math.log(s(3, 1)) - 0.5 * Math.log(s(-2, 0.5));
    expect(softCrossEntropy(tf, logits(), target).dataSync()[0]).toBeCloseTo(expected, 5);
  });

  test("collision by hand: w ln of the chance to meet", () => {
    const target = tf.tensor4d([0.1, 0.4, 0, 0], [1, 1, 2, 2]);
    const expected = -0.5 * Math.log(0.2 * s(1, 3) + 0.8 * s(3, 1));
    expect(collisionEntropy(tf, logits(), target).dataSync()[0]).toBeCloseTo(expected, 5);
  });

  test("collision lets an undecided label go: no gradient at y = 1/2, 1/2", () => {
    const target = tf.tensor4d([0.5, 0.5, 0.5, 0.5], [1, 1, 2, 2]);
    const gradient = tf.grad((x) => collisionEntropy(tf, x as Tensor4D, target))(logits());
    expect(gradient.abs().max().dataSync()[0]).toBeLessThan(1e-6);
  });

  test("with hard labels the two agree", () => {
    const target = tf.tensor4d([0, 0.5, 0.5, 0], [1, 1, 2, 2]);
    const both = [softCrossEntropy, collisionEntropy].map((loss) => loss(tf, logits(), target).dataSync()[0]!);
    expect(both[0]).toBeCloseTo(both[1]!, 5);
  });

  test.each([softCrossEntropy, collisionEntropy])("%O has the gradient of its formula", (loss) => {
    const x = tf.randomNormal([2, 2, 3, 3], 0, 1, "float32", 1);
    const target = tf.randomUniform([2, 2, 3, 3], 0.01, 0.3, "float32", 2);
    expect(numericError(tf, (a) => loss(tf, a as Tensor4D, target), [x])).toBeLessThan(2e-3);
  });

  test("stays finite where the prediction excludes the label", () => {
    const target = tf.tensor4d([0, 0.5, 0.5, 0], [1, 1, 2, 2]);
    const sure = tf.tensor4d([200, -200, 200, -200], [1, 1, 2, 2]);
    for (const loss of [softCrossEntropy, collisionEntropy]) {
      expect(loss(tf, sure, target).isFinite().dataSync()[0]).toBe(1);
      const gradient = tf.grad((x) => loss(tf, x as Tensor4D, target))(sure);
      expect(gradient.isFinite().all().dataSync()[0]).toBe(1);
    }
  });
});

describe("pairwise loss", () => {
  const free = (values: number[]) => tf.tensor4d(values, [1, 2, 2, 1]);
  /** Softmax of ln p is p. */
  const x = () => tf.log(tf.tensor4d([0.9, 0.1, 0.6, 0.4, 0.9, 0.1, 0.2, 0.8], [1, 2, 2, 2])) as Tensor4D;

  test("by hand: half the squared differences of the four pairs, per pixel", () => {
    // Rows .9 .6 / .9 .2: pairs differ by .3, .7 (across), 0, .4 (down); both classes alike.
    const expected = (0.5 * 2 * (0.09 + 0.49 + 0 + 0.16)) / 4;
    expect(pairwiseLoss(tf, x(), free([1, 1, 1, 1])).dataSync()[0]).toBeCloseTo(expected, 5);
  });

  test("pairs that touch an edge are cut", () => {
    expect(pairwiseLoss(tf, x(), free([1, 1, 1, 0])).dataSync()[0]).toBeCloseTo(0.09 / 4, 5);
    expect(pairwiseLoss(tf, x(), free([0, 1, 1, 0])).dataSync()[0]).toBeCloseTo(0, 6);
  });

  test("has the gradient of its formula", () => {
    const logits = tf.randomNormal([2, 3, 4, 3], 0, 1, "float32", 3);
    const weights = tf.randomUniform([2, 3, 4, 1], 0, 1, "float32", 4) as Tensor4D;
    expect(numericError(tf, (a) => pairwiseLoss(tf, a as Tensor4D, weights), [logits])).toBeLessThan(1e-3);
  });
});

describe("borders", () => {
  test("lie where two known labels meet; the rim of the unknown is none", () => {
    const target = borderTarget(Int32Array.of(0, 0, 1, 1, 255, 255, 0), 7, 1, 1);
    expect([...target]).toEqual([0, 1, 1, 0, 255, 255, 0]);
    expect([...borderTarget(Int32Array.of(0, 0, 1, 1, 255, 255, 0), 7, 1, 2)]).toEqual([1, 1, 1, 1, 255, 255, 0]);
    expect([...borderTarget(Int32Array.of(0, 2, 0, 2), 2, 2, 1)]).toEqual([1, 1, 1, 1]);
    expect([borderRadius(512), borderRadius(192), borderRadius(64)]).toEqual([3, 1, 1]);
  });

  const lossAt = (logit: number, target: number) => {
    return focalLoss(tf, tf.scalar(logit), tf.scalar(target), tf.scalar(1)).dataSync()[0]!;
  };
  const logits = [-6, -3, -1, 0, 1, 3, 6];

  test("focal loss falls with the logit for target 1 and rises for target 0", () => {
    for (let i = 1; i < logits.length; i++) {
      expect(lossAt(logits[i]!, 1)).toBeLessThan(lossAt(logits[i - 1]!, 1));
      expect(lossAt(logits[i]!, 0)).toBeGreaterThan(lossAt(logits[i - 1]!, 0));
    }
  });

  test("focal loss by hand: (1 - p)^2 times the entropy", () => {
    expect(lossAt(0, 1)).toBeCloseTo(0.25 * Math.LN2, 6);
    const p = 1 / (1 + Math.exp(2));
    expect(lossAt(2, 0)).toBeCloseTo(-((1 - p) ** 2) * Math.log(p), 5);
    expect(lossAt(-100, 1)).toBeCloseTo(100, 3);
  });

  test("has the gradient of its formula", () => {
    const x = tf.tensor1d([-2, -0.5, 0.3, 1, 2, -1]);
    const target = tf.tensor1d([1, 0, 1, 0, 1, 0]);
    const weight = tf.tensor1d([1, 2, 0.5, 1, 1, 0]);
    expect(numericError(tf, (a) => focalLoss(tf, a, target, weight), [x])).toBeLessThan(2e-3);
  });
});
