import { beforeAll, expect, test } from "vitest";
import { plainTf } from "../segmentation/testing.js";
import type { Tensor4D, Tf } from "../segmentation/tf.js";
import { countFlops } from "./flops.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

test("a convolution and its gradients are three times the convolution", async () => {
  const x = tf.ones([2, 8, 8, 3]) as Tensor4D;
  const w = tf.ones([3, 3, 3, 5]) as Tensor4D;
  const forward = 2 * (2 * 4 * 4 * 5) * (3 * 3 * 3);
  const conv = (a: Tensor4D, b: Tensor4D) => tf.conv2d(a, b, 2, "same");
  expect(await countFlops(tf, () => conv(x, w))).toBe(forward);
  const gradients = tf.grads((a, b) => conv(a as Tensor4D, b as Tensor4D));
  expect(await countFlops(tf, () => gradients([x, w]))).toBe(3 * forward);
});

test("depthwise filters see one channel, products sum over the inner axis, the rest is free", async () => {
  const x = tf.ones([1, 6, 6, 4]) as Tensor4D;
  expect(await countFlops(tf, () => tf.depthwiseConv2d(x, tf.ones([3, 3, 4, 1]), 1, "same"))).toBe(2 * 6 * 6 * 4 * 9);
  expect(await countFlops(tf, () => tf.matMul(tf.ones([7, 3]), tf.ones([7, 5]), true))).toBe(2 * 3 * 5 * 7);
  expect(await countFlops(tf, () => x.relu().add(1).sum())).toBe(0);
});
