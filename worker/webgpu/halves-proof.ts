/** Whether this GPU's products in float16 are what they should be, before anything is trained with them. */
import type * as tfjs from "@tensorflow/tfjs";
import type { MathMode } from "../../shared/config/method.js";
import { relativeDifference } from "../../shared/math/relative-difference.js";
import type { Tensor, Tensor4D, Tf } from "../segmentation/tf.js";
import { multiplyingIn } from "./halves.js";

/** A convolution of two images. */
export type Window = readonly [side: number, from: number, to: number, filterSide: number, stride: number];

export const kernelNames = ["forward", "by input", "by filter"] as const;

/** Their tiles are not full. */
const cases: readonly Window[] = [
  [20, 40, 72, 3, 2],
  [9, 132, 24, 1, 1],
];

/** Of the largest value. Rounding to float16 is 2^-11 of each factor, and sums of random products are smaller than their largest by far. */
const tolerance = 2 ** -7;

/** Null: they are. */
export async function lackOfHalves(tf: Tf): Promise<string | null> {
  for (const shape of cases) {
    const [wanted, had] = [await resultsOf(tf, shape, "f32"), await resultsOf(tf, shape, "f16")];
    for (const [i, name] of kernelNames.entries()) {
      const error = relativeDifference(had[i]!, wanted[i]!);
      if (error <= tolerance) continue;
      return `its products (${name}, ${shape[1]} to ${shape[2]} channels) differ from float32's by ${error.toPrecision(2)} of the largest`;
    }
  }
  return null;
}

export async function resultsOf(tf: Tf, window: Window, math: MathMode): Promise<Float32Array[]> {
  const tensors = convolved(tf, window, math);
  const values = await Promise.all(tensors.map(async (tensor) => (await tensor.data()) as Float32Array));
  for (const tensor of tensors) tensor.dispose();
  return values;
}

/** As `kernelNames` has them; with a gradient as small as real ones: float16 alone would have zeros. */
export function convolved(tf: Tf, [side, from, to, filterSide, stride]: Window, math: MathMode): Tensor[] {
  return tf.tidy(() => {
    const noise = <R extends tfjs.Rank>(shape: tfjs.ShapeMap[R], seed: number) =>
      tf.randomUniform<R>(shape, -1, 1, "float32", seed);
    const x = noise<tfjs.Rank.R4>([2, side, side, from], 1);
    const filter = noise<tfjs.Rank.R4>([filterSide, filterSide, from, to], 2);
    const forward = (image: Tensor4D, taps: Tensor4D) => tf.conv2d(image, taps, stride, "same");
    return multiplyingIn(math, () => {
      const y = forward(x, filter);
      const dy = noise<tfjs.Rank.R4>(y.shape, 3).mul<Tensor4D>(1e-9);
      const gradients = tf.grads((image, taps) => forward(image as Tensor4D, taps as Tensor4D));
      return [y, ...gradients([x, filter], dy)];
    });
  });
}
