import { beforeAll, describe, expect, test } from "vitest";
import { pixelLoss, tagLoss } from "./loss.js";
import { plainTf } from "./testing.js";
import type { Tensor4D, Tf } from "./tf.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

/** One image of two pixels with two labels. */
function targets(labels: number[], share: number) {
  return { labels_NHW: tf.tensor3d(labels, [1, 1, 2], "int32"), share_N111: tf.tensor4d([share], [1, 1, 1, 1]) };
}

describe("pixel loss", () => {
  const logits = () => tf.tensor4d([1, 3, -2, 0.5], [1, 1, 2, 2]);
  const entropy = (wrong: number, right: number) => Math.log(1 + Math.exp(wrong - right));

  test("is the mean cross entropy of an image", () => {
    const loss = pixelLoss(tf, logits(), targets([1, 0], 0.5)).dataSync()[0];
    expect(loss).toBeCloseTo((entropy(1, 3) + entropy(0.5, -2)) / 2, 5);
  });

  test("ignores 255, in the value and in the gradient", () => {
    const loss = pixelLoss(tf, logits(), targets([1, 255], 1)).dataSync()[0];
    expect(loss).toBeCloseTo(entropy(1, 3), 5);
    const gradient = tf
      .grad((x) => pixelLoss(tf, x as Tensor4D, targets([1, 255], 1)))(logits())
      .dataSync();
    const p = 1 / (1 + Math.exp(2));
    expect(gradient[0]).toBeCloseTo(p, 5);
    expect(gradient[1]).toBeCloseTo(-p, 5);
    expect([...gradient.slice(2)]).toEqual([0, 0]);
  });

  test("an image without any label counts nothing", () => {
    expect(pixelLoss(tf, logits(), targets([255, 255], 0)).dataSync()[0]).toBeCloseTo(0);
  });
});

test("tag loss: sigmoid cross entropy, mean over tags, sum over images; finite for sure and wrong", () => {
  const loss = tagLoss(tf, tf.tensor2d([0, 0, 200, 0], [2, 2]), tf.tensor2d([1, 0, 0, 0], [2, 2])).dataSync()[0];
  expect(loss).toBeCloseTo(Math.LN2 + (200 + Math.LN2) / 2, 3);
});
