/**
 * ReLUs with a cheap gradient: TensorFlow's own kernel, or products of signs. tfjs's gradients use `step`, which tfjs-node
 * composes from five operations (measured 26 ms against 1 ms for 3 M elements; with 35 ReLU6, a quarter of a step of
 * MobileNet).
 */
import type { Tensor, Tf } from "../tf.js";
import { nativeKernel, ownKernel } from "./native.js";

export function relu<T extends Tensor>(tf: Tf, x: T): T {
  return rectified(tf, x, {
    kernel: "ReluGrad",
    ceiling: 0,
    forward: (input) => input.relu(),
    passes: (y) => y.sign(),
  });
}

/** min(relu(x), 6). */
export function relu6<T extends Tensor>(tf: Tf, x: T): T {
  const passes = (y: Tensor) => y.sign().mul(y.sub(6).sign()).neg();
  return rectified(tf, x, { kernel: "Relu6Grad", ceiling: 6, forward: (input) => tf.relu6(input), passes });
}

/** A kernel that an engine may have for the gradient: dy, y, { ceiling } -> dx; no ceiling: 0. */
export const reluGradient = "SeedgrowReluGrad";

interface Rectifier {
  /** TensorFlow's. */
  readonly kernel: string;
  readonly ceiling: number;
  readonly forward: (x: Tensor) => Tensor;
  /** Output -> 1 where something passed, else 0. */
  readonly passes: (y: Tensor) => Tensor;
}

function rectified<T extends Tensor>(tf: Tf, x: T, { kernel, ceiling, forward, passes }: Rectifier): T {
  const op = tf.customGrad((...inputs) => {
    const [input, save] = inputs as unknown as [Tensor, (tensors: Tensor[]) => void];
    const value = forward(input);
    save([value]);
    const gradFunc = (dy: Tensor, [y]: Tensor[]): Tensor =>
      nativeKernel(tf, kernel, [dy, y!]) ??
      ownKernel(tf, reluGradient, { dy, y: y! }, { ceiling })?.[0] ??
      dy.mul(passes(y!));
    return { value: value as never, gradFunc: gradFunc as never };
  });
  return op(x) as T;
}
