/**
 * Group normalisation (Wu and He 2018, arXiv 1803.08494), with the ReLU that often follows. Statistics belong to one
 * image, so a micro-batch is a pure function and training equals inference. Written as a custom gradient: full-size
 * passes only for sums over pixels and for one multiply-add each way; everything per group is a product of [N, C] with
 * a small averaging matrix.
 */
import type { Tensor, Tensor2D, Tensor4D, Tf } from "../tf.js";
import { nativeKernel, ownKernel } from "./native.js";

export const normEpsilon = 1e-5;

/** Kernels that an engine may have for all of it: x, gamma, beta -> y, sums; x, gamma, y, dy, sums -> their gradients. */
export const normKernels = { forward: "SeedgrowGroupNorm", gradient: "SeedgrowGroupNormGrad" } as const;

export interface NormOptions {
  readonly groups: number;
  readonly relu: boolean;
}

export function groupNorm(
  tf: Tf,
  x_NHWC: Tensor4D,
  gamma_C: Tensor,
  beta_C: Tensor,
  { groups, relu }: NormOptions,
): Tensor4D {
  if (tf.getKernel(normKernels.forward, tf.getBackend()))
    return fusedNorm(tf, x_NHWC, gamma_C, beta_C, { groups, relu });
  const [n, h, w, c] = x_NHWC.shape;
  const averaging = averagingMatrix(c, groups, h * w);
  /** Sums over pixels, [N, C] -> means over pixels and the channel's group, [N, C]. */
  const groupMean = (sums_NC: Tensor): Tensor => tf.matMul(sums_NC as Tensor2D, tf.tensor2d(averaging, [c, c]));
  const wide = (v_NC: Tensor): Tensor => v_NC.reshape([n, 1, 1, c]);

  const op = tf.customGrad((...inputs) => {
    const [x, gamma, beta, save] = inputs as unknown as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const mean = groupMean(x.sum([1, 2]));
    const variance = groupMean(x.square().sum([1, 2]))
      .sub(mean.square())
      .relu();
    const inverse = variance.add(normEpsilon).rsqrt();
    const scale = inverse.mul(gamma);
    const linear = x.mul(wide(scale)).add(wide(beta.sub(mean.mul(scale))));
    const value = relu ? linear.relu() : linear;
    save([x, gamma, value, mean, inverse]);
    const gradFunc = (dyOut: Tensor, saved: Tensor[]): Tensor[] => {
      const [xIn, scaleIn, y, m, r] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const dy = relu ? (nativeKernel(tf, "ReluGrad", [dyOut, y]) ?? dyOut.mul(y.sign())) : dyOut;
      const dySum = dy.sum([1, 2]);
      /** Sum of dy * normalised x, from the sum of dy * x. */
      const dyHat = dy.mul(xIn).sum([1, 2]).sub(dySum.mul(m)).mul(r);
      const slope = groupMean(dyHat.mul(scaleIn)).mul(r.square());
      const shift = slope.mul(m).sub(groupMean(dySum.mul(scaleIn)).mul(r));
      const dx = dy
        .mul(wide(r.mul(scaleIn)))
        .sub(xIn.mul(wide(slope)))
        .add(wide(shift));
      return [dx, dyHat.sum(0), dySum.sum(0)];
    };
    return { value: value as never, gradFunc: gradFunc as never };
  });
  return op(x_NHWC, gamma_C, beta_C) as Tensor4D;
}

/** The same by the engine's own kernels. */
function fusedNorm(tf: Tf, x_NHWC: Tensor4D, gamma_C: Tensor, beta_C: Tensor, options: NormOptions): Tensor4D {
  const op = tf.customGrad((...inputs) => {
    const [x, gamma, beta, save] = inputs as unknown as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const [y, sums] = ownKernel(tf, normKernels.forward, { x, gamma, beta }, options) as [Tensor, Tensor];
    save([x, gamma, y, sums]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
      const [xIn, scale, value, total] = saved as [Tensor, Tensor, Tensor, Tensor];
      return ownKernel(tf, normKernels.gradient, { x: xIn, gamma: scale, y: value, dy, sums: total }, options)!;
    };
    return { value: y as never, gradFunc: gradFunc as never };
  });
  return op(x_NHWC, gamma_C, beta_C) as Tensor4D;
}

const matrices = new Map<string, Float32Array>();

/** [C, C]: 1 / (pixels * channels of a group) between channels of one group, else 0. */
function averagingMatrix(channels: number, groups: number, pixels: number): Float32Array {
  const key = `${channels}/${groups}/${pixels}`;
  const known = matrices.get(key);
  if (known) return known;
  const perGroup = channels / groups;
  const matrix = new Float32Array(channels * channels);
  for (let i = 0; i < matrix.length; i++) {
    const isOneGroup = Math.floor(i / channels / perGroup) === Math.floor((i % channels) / perGroup);
    matrix[i] = isOneGroup ? 1 / (pixels * perGroup) : 0;
  }
  matrices.set(key, matrix);
  return matrix;
}
