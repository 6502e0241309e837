import type { Tensor } from "./tf.js";

/** A tensor's values, and the tensor is gone. Waits for a GPU; call outside tf.tidy. */
export async function take(tensor: Tensor): Promise<Float32Array> {
  const values = await tensor.data<"float32">();
  tensor.dispose();
  return values.slice();
}
