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
import { installElementwise } from "./elementwise.js";
import { Heap } from "./heap.js";
import { sharedProgram } from "./module.js";
import { installPooling } from "./pooling.js";
import { installProducts } from "./products.js";

/** `threads`: how many work on one operation; results are the same for any number. `reason`: why this engine. @throws AppError ENGINE_FAILED */
export async function loadWasm(reason: string, threads: number): Promise<Engine> {
  const { tf, heap } = await openWasm(threads);
  const version = `tfjs ${tf.version.tfjs} / WebAssembly`;
  return {
    name: "wasm",
    reason,
    tf,
    version,
    device: `cpu: ${threads} ${threads === 1 ? "thread" : "threads"}, 128-bit vectors, ${cpuFacts().model}`,
    // The backend chooses between kernels for x86 and for ARM; beyond that, WebAssembly's arithmetic is exact everywhere.
    fingerprint: wasmFingerprint(version, heap.digest.slice(0, 12), process.arch),
  };
}

/** @throws AppError ENGINE_FAILED */
export async function openWasm(threads: number): Promise<{ readonly tf: Tf; readonly heap: Heap }> {
  // Not by import: tfjs's modules for bundlers do not run in Node, and both packages have to be of one kind.
  const require = createRequire(import.meta.url);
  const tf = require("@tensorflow/tfjs") as Tf;
  const { setWasmPaths } = require("@tensorflow/tfjs-backend-wasm") as typeof import("@tensorflow/tfjs-backend-wasm");
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) {
    throw new AppError("ENGINE_FAILED", "the wasm engine needs vector instructions that Node does not find here");
  }
  setWasmPaths(programs(require.resolve), true);
  if (!(await tf.setBackend("wasm"))) throw new AppError("ENGINE_FAILED", "tfjs-backend-wasm does not start");
  const backend = tf.backend() as unknown as BackendWasm;
  const heap = await Heap.open(backend, threads);
  installBorrowed(tf, backend);
  installConvolutions(tf, heap);
  installProducts(tf, heap);
  installPooling(tf, heap);
  installElementwise(tf, heap);
  return { tf, heap };
}

const folder = "@tensorflow/tfjs-backend-wasm/wasm-out";

/** tfjs wants to know all three, and takes the one for vectors. */
function programs(resolve: (path: string) => string): Record<string, string> {
  const program = sharedProgram(resolve(`${folder}/tfjs-backend-wasm-simd.wasm`));
  const names = ["tfjs-backend-wasm.wasm", "tfjs-backend-wasm-simd.wasm", "tfjs-backend-wasm-threaded-simd.wasm"];
  return Object.fromEntries(names.map((name) => [name, program]));
}
