import { beforeAll, expect, test } from "vitest";
import { scratchBackbone } from "./backbone/scratch.js";
import { tagClassifier } from "./classifier.js";
import { gradActivation } from "./grad-cam.js";
import { plainTf } from "./testing.js";
import type { Tensor4D, Tf } from "./tf.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

test("Grad-CAM by hand: the gradient of the logit through pooling and normalisation", () => {
  const classifier = tagClassifier(
    tf,
    scratchBackbone(tf, { kind: "resnet", widths: [8, 8, 8, 3] }, { rate: 0, fromStride: 4 }),
    32,
    2,
  );
  // One image of two cells and three channels; its pooled features are 1, 2, 6.
  const A = [
    [1, 2, 3],
    [1, 2, 9],
  ];
  const w = [0.5, -1, 2];
  const weights = tf.tensor2d(
    w.flatMap((value) => [7, value]),
    [3, 2],
  );
  const params = (name: string) => (name.endsWith("kernel") ? weights : tf.zeros([2]));
  const empty = tf.zeros([1, 1, 1, 8]) as Tensor4D;
  const map = gradActivation(tf, classifier, [empty, empty, empty, tf.tensor4d([[A]])], params, [2]).dataSync();

  const mean = 3;
  const deviation = Math.sqrt((4 + 1 + 9) / 3);
  const z = [1, 2, 6].map((p) => (p - mean) / deviation);
  const meanW = (0.5 - 1 + 2) / 3;
  const meanWz = w.reduce((sum, value, k) => sum + value * z[k]!, 0) / 3;
  /** d logit / d pooled_k, spread over two cells. */
  const alpha = w.map((value, k) => (value - meanW - z[k]! * meanWz) / deviation / 2);
  A.forEach((cell, i) => {
    expect(map[i]).toBeCloseTo(
      cell.reduce((sum, value, k) => sum + alpha[k]! * value, 0),
      4,
    );
  });
});
