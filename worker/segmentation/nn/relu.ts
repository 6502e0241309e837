/**
 * ReLU with a cheap gradient: `sign` of the output is 1 where something passed. tfjs's own gradient uses `step`, which
 * tfjs-node composes from five operations (measured 26 ms against 1 ms for 3 M elements).
 */
import type { Tensor, Tf } from "../tf.js";

export function relu<T extends Tensor>(tf: Tf, x: T): T {
  const op = tf.customGrad((...inputs) => {
    const [input, save] = inputs as unknown as [Tensor, (tensors: Tensor[]) => void];
    const value = input.relu();
    save([value]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor => dy.mul(saved[0]!.sign());
    return { value: value as never, gradFunc: gradFunc as never };
  });
  return op(x) as T;
}
