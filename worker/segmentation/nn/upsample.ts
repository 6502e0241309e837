/**
 * Bilinear enlargement with pixel centres at half positions, and its exact gradient. tfjs offers the gradient only for
 * aligned corners or aligned origins, which shift a feature map by up to half a cell from one border to the other; and
 * a label's boundary is what we are after. The gradient is two matrix products, rows first.
 */
import type { Tensor, Tensor3D, Tensor4D, Tf } from "../tf.js";
import { ownKernel } from "./native.js";

/** A kernel that an engine may have for the gradient: dy, { height, width } -> dx. */
export const upsampleGradient = "SeedgrowUpsampleGrad";

export function upsample(tf: Tf, x_NHWC: Tensor4D, height: number, width: number): Tensor4D {
  const [n, h, w, c] = x_NHWC.shape;
  if (h === height && w === width) return x_NHWC;
  const op = tf.customGrad((...inputs) => {
    const x = inputs[0] as Tensor4D;
    const value = tf.image.resizeBilinear(x, [height, width], false, true);
    const gradFunc = (dy: Tensor): Tensor => {
      const [own] = ownKernel(tf, upsampleGradient, { dy }, { height: h, width: w }) ?? [];
      if (own) return own;
      const rows = multiplyEach(tf, spread(height, h), dy.reshape([n, height, width * c]));
      const columns = multiplyEach(tf, spread(width, w), rows.reshape([n * h, width, c]));
      return columns.reshape([n, h, w, c]);
    };
    return { value: value as never, gradFunc: gradFunc as never };
  });
  return op(x_NHWC) as Tensor4D;
}

/** [B, A] matrix times every [A, X] of a batch: [M, B, X]. */
function multiplyEach(tf: Tf, matrix_BA: Float32Array, batch_MAX: Tensor): Tensor {
  const a = batch_MAX.shape[1]!;
  return tf.matMul(tf.tensor3d(matrix_BA, [1, matrix_BA.length / a, a]), batch_MAX as Tensor3D);
}

const spreads = new Map<string, Float32Array>();

/** Transposed interpolation matrix [from, to]: where the weight of each of the `to` enlarged cells goes. */
function spread(to: number, from: number): Float32Array {
  const key = `${to}/${from}`;
  const known = spreads.get(key);
  if (known) return known;
  const matrix = new Float32Array(from * to);
  for (let i = 0; i < to; i++) {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(Math.floor(at), from - 1);
    const high = Math.min(low + 1, from - 1);
    const rest = at - low;
    matrix[low * to + i] = matrix[low * to + i]! + 1 - rest;
    matrix[high * to + i] = matrix[high * to + i]! + rest;
  }
  spreads.set(key, matrix);
  return matrix;
}
