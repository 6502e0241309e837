/**
 * Pairwise loss of DS-CRF (Li and Boykov): neighbours should agree, unless a superpixel edge runs between them. It asks
 * for smooth regions whose borders lie on image edges, without saying which side is what.
 *
 *   1/2 * sum over 4-neighbours ij of  w_ij * sum_c (s_ic - s_jc)^2,   w_ij = 0 where i or j lies on an edge, else 1
 *
 * divided by the pixels of the image, and summed over images. Strong weights drive small classes into the background
 * (the authors' warning), hence a weight of its own and none by default.
 */
import type { Tensor, Tensor4D, Tf } from "../tf.js";

/** `free_NHW1`: 1 off the edges, 0 on them. */
export function pairwiseLoss(tf: Tf, logits_NHWC: Tensor4D, free_NHW1: Tensor4D): Tensor {
  const [, height, width] = logits_NHWC.shape;
  const s = logits_NHWC.softmax() as Tensor4D;
  const down = differences(tf, s, free_NHW1, [1, 0]);
  const across = differences(tf, s, free_NHW1, [0, 1]);
  return down.add(across).div(2 * height * width);
}

/** Weighted squared differences between every pixel and the one `step` (rows, columns) further. */
function differences(tf: Tf, s: Tensor4D, free: Tensor4D, [dy, dx]: readonly [number, number]): Tensor {
  const [n, height, width, depth] = s.shape;
  const size = (channels: number): [number, number, number, number] => [n, height - dy, width - dx, channels];
  const difference = tf.slice(s, [0, dy, dx, 0], size(depth)).sub(tf.slice(s, [0, 0, 0, 0], size(depth)));
  const weight = tf.slice(free, [0, dy, dx, 0], size(1)).mul(tf.slice(free, [0, 0, 0, 0], size(1)));
  return difference.square().mul(weight).sum();
}
