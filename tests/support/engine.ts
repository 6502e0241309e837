/** Which tests make sense with the engine that SEEDGROW_ENGINE names: TensorFlow may not be installed then. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const isWithoutTensorflow = process.env.SEEDGROW_ENGINE === "wasm";

/** Whether the native addon is there: what a test that does without it has to hide. */
export function hasAddon(): boolean {
  const lib = "../../node_modules/@tensorflow/tfjs-node-gpu/lib/napi-v8/tfjs_binding.node";
  return existsSync(fileURLToPath(new URL(lib, import.meta.url)));
}
