/** Which tests make sense with the engine that SEEDGROW_ENGINE names: TensorFlow may not be installed then. */

export const isWithoutTensorflow = process.env.SEEDGROW_ENGINE === "wasm";
