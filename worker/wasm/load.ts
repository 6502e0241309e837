/** Loads the wasm engine: tfjs-backend-wasm with our kernels. Needs Node and npm packages, nothing else. */
import { createRequire } from "node:module";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { wasmFingerprint } from "../../shared/engine-name.js";
import { AppError } from "../../shared/errors.js";
import { cpuFacts } from "../engine/device.js";
import type { Engine } from "../engine/load.js";
import type { Tf } from "../segmentation/tf.js";
import { installBorrowed } from "./borrowed.js";
import { installConvolutions } from "./convolution.js";
import { Heap } from "./heap.js";
import { installPooling } from "./pooling.js";
import { installProducts } from "./products.js";

/** `reason`: why this engine. @throws AppError ENGINE_FAILED */
export async function loadWasm(reason: string): Promise<Engine> {
  // Not by import: tfjs's modules for bundlers do not run in Node, and both packages have to be of one kind.
  const require = createRequire(import.meta.url);
  const tf = require("@tensorflow/tfjs") as Tf;
  require("@tensorflow/tfjs-backend-wasm");
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) {
    throw new AppError("ENGINE_FAILED", "the wasm engine needs vector instructions that Node does not find here");
  }
  if (!(await tf.setBackend("wasm"))) throw new AppError("ENGINE_FAILED", "tfjs-backend-wasm does not start");
  const backend = tf.backend() as unknown as BackendWasm;
  const heap = await Heap.open(backend);
  installBorrowed(tf, backend);
  installConvolutions(tf, heap);
  installProducts(tf, heap);
  installPooling(tf, heap);
  const version = `tfjs ${tf.version.tfjs} / WebAssembly`;
  return {
    name: "wasm",
    reason,
    tf,
    version,
    device: `cpu: 1 thread, 128-bit vectors, ${cpuFacts().model}`,
    // The backend chooses between kernels for x86 and for ARM; beyond that, WebAssembly's arithmetic is exact everywhere.
    fingerprint: wasmFingerprint(version, heap.digest.slice(0, 12), process.arch),
  };
}
