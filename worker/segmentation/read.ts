import type { Tensor } from "./tf.js";

/**
 * The values of what an operation has made, and the tensor is gone. Every backend reads into an array of its own, which is
 * the caller's from here on. Waits for a GPU; call outside tf.tidy.
 */
export async function take(tensor: Tensor): Promise<Float32Array> {
  const values = await tensor.data<"float32">();
  tensor.dispose();
  return values;
}
