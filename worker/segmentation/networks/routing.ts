/**
 * Dynamic routing by agreement (Sabour, Frosst and Hinton 2017, arXiv 1710.09829, section 2): children vote for the pose
 * of each parent, and give more of themselves to the parents whose pose turns out to agree with their vote.
 *
 *   b = 0;  repeat:  c = softmax over parents of b;  s = sum over children of c vote;  v = squash(s);  b += vote . v
 *   squash(s) = |s|^2 / (1 + |s|^2) * s / |s|
 *
 * Axes: M places, I children, J parents, D pose.
 */
import type { Tensor, Tensor4D, Tf } from "../tf.js";

/** The norm's slope is infinite at 0, where new capsules start. */
const epsilon = 1e-7;

/** Length to 0..1, direction kept; over the last axis. */
export function squash(s: Tensor): Tensor {
  const square = s.square().sum(-1, true);
  return s.mul(square.add(epsilon).sqrt()).div(square.add(1));
}

export interface Routed {
  /** Poses of the parents, [M, J, D]. */
  readonly v_MJD: Tensor;
  /** Their lengths, 0..1, [M, J]: how sure it is that the parent is there. */
  readonly lengths_MJ: Tensor;
}

/** Gradients flow through every iteration. */
export function route(tf: Tf, votes_MIJD: Tensor4D, iterations: number): Routed {
  const [m, i, j, d] = votes_MIJD.shape;
  let agreement: Tensor = tf.zeros([m, i, j]);
  for (let iteration = 1; ; iteration++) {
    const share = agreement.softmax().reshape([m, i, j, 1]);
    const s = votes_MIJD.mul(share).sum(1);
    const v = squash(s);
    if (iteration >= iterations) {
      const square = s.square().sum(-1);
      return { v_MJD: v, lengths_MJ: square.div(square.add(1)) };
    }
    agreement = agreement.add(votes_MIJD.mul(v.reshape([m, 1, j, d])).sum(-1));
  }
}
