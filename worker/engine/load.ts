/**
 * Loads the engine once per process and says which one it is, why, and what its results depend on.
 * tfjs runs its operations on the thread that calls it, so this belongs into a compute thread or process.
 */
import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { AppError } from "../../shared/errors.js";
import type { Compile } from "../segmentation/compiled.js";
import type { Tf } from "../segmentation/tf.js";
import { installConvolutionGradients } from "./convolution-gradients.js";
import { cpuFacts, gpuNames } from "./device.js";
import {
  type EngineDevice,
  type EngineOptions,
  engineEnv,
  nativeEnv,
  requestedDevice,
  requireEnv,
} from "./environment.js";
import { sessionCompiler } from "./session-graph.js";
import { installUtilShim } from "./shim.js";

export type { EngineOptions } from "./environment.js";
export { engineEnv } from "./environment.js";

export interface Engine {
  readonly name: "tensorflow" | "wasm" | "webgpu";
  /** Why this engine, for the log and `seedgrow doctor`. */
  readonly reason: string;
  readonly tf: Tf;
  /** For example "tfjs 4.22.0 / libtensorflow 2.21.0". */
  readonly version: string;
  /** For example "cpu: 2 threads, AVX512_BF16, <model>". */
  readonly device: string;
  /** Equal fingerprints give equal bits for equal inputs. */
  readonly fingerprint: string;
  /** Absent: it computes operation by operation. */
  readonly compile?: Compile | null;
  /** Why it does not compute in float16 here (`method.math: f16`); null: it does. Absent: it never does. */
  readonly lackOfHalves?: () => Promise<string | null>;
  /** What a GPU's driver takes away, and why; such an engine computes no more. Absent: that cannot happen. */
  readonly lost?: Promise<string>;
}

/** The parts of tfjs-node's backend that its types leave out. */
interface NodeBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

/** @throws AppError ENGINE_MISSING | ENGINE_FAILED */
export async function loadEngine(options: EngineOptions): Promise<Engine> {
  if (options.engine === "wasm") return loadWasm("asked for", options.threads);
  if (options.engine === "webgpu") {
    const { loadWebgpu } = await import("../webgpu/load.js");
    return loadWebgpu("asked for", options.gpu || (process.env.SEEDGROW_GPU ?? ""));
  }
  const env = nativeEnv();
  requireEnv(engineEnv(options), env);
  const device = requestedDevice(env);
  let tf: Tf;
  try {
    tf = requireTfjs();
  } catch (error) {
    if (options.engine === "tensorflow" || device === "gpu") throw error;
    return loadWasm(`in place of TensorFlow. ${(error as AppError).message}`, options.threads);
  }
  await tf.ready();
  const backend = tf.backend() as unknown as NodeBackend;
  requireDevice(device === "auto" ? expectedDevice(env) : device, backend.isUsingGpuDevice);
  if (!backend.isUsingGpuDevice) installConvolutionGradients(tf);
  return describe(options, tf, backend, env);
}

/** Loaded when it is wanted: a machine with TensorFlow never needs it. */
async function loadWasm(reason: string, threads: number): Promise<Engine> {
  const wasm = await import("../wasm/load.js");
  return wasm.loadWasm(reason, threads);
}

function requireTfjs(): Tf {
  installUtilShim();
  const { noDeprecation } = process;
  process.noDeprecation = true; // tfjs's dependencies still use punycode and url.parse: nothing a user can mend
  try {
    return createRequire(import.meta.url)("@tensorflow/tfjs-node-gpu") as Tf;
  } catch (error) {
    throw loadError(error);
  } finally {
    process.noDeprecation = noDeprecation ?? false;
  }
}

/** Absent (package, addon or library) is the setup's business; present but failing is for the doctor. */
export function loadError(thrown: unknown): AppError {
  const { message, code } = thrown as NodeJS.ErrnoException;
  const isAbsent = code === "MODULE_NOT_FOUND" || /can ?not be found at path|cannot open shared object/i.test(message);
  return isAbsent
    ? new AppError("ENGINE_MISSING", "The TensorFlow engine is not installed.", { cause: thrown })
    : new AppError("ENGINE_FAILED", `The TensorFlow engine does not load: ${message}`, { cause: thrown });
}

/** Who installed the engine for CUDA and hides no GPU means the GPU. */
function expectedDevice(env: Record<string, string>): EngineDevice {
  const isHidden = ["", "-1"].includes(env.CUDA_VISIBLE_DEVICES ?? "all");
  return isHidden || !isCudaEngine(createRequire(import.meta.url).resolve("@tensorflow/tfjs-node-gpu"))
    ? "auto"
    : "gpu";
}

/** What deploy/engine.mjs has written down beside the engine that the package is linked to. */
export function isCudaEngine(packageMain: string): boolean {
  try {
    const deps = realpathSync(join(dirname(packageMain), "../deps"));
    return JSON.parse(readFileSync(join(dirname(deps), "engine.json"), "utf8")).cuda === true;
  } catch {
    return false;
  }
}

/** TensorFlow falls back to the CPU without a word; who meant a GPU has to hear it. */
export function requireDevice(requested: EngineDevice, usesGpu: boolean): void {
  if (requested === "gpu" && !usesGpu)
    throw new AppError("GPU_NOT_USED", "A GPU is meant to compute, but TensorFlow found none that it can use.");
  if (requested === "cpu" && usesGpu) {
    throw new AppError("ENGINE_FAILED", "SEEDGROW_DEVICE=cpu, but TensorFlow runs on a GPU.", {
      hint: "Hide it with CUDA_VISIBLE_DEVICES=-1.",
    });
  }
}

function describe(options: EngineOptions, tf: Tf, backend: NodeBackend, env: Record<string, string>): Engine {
  const version = `tfjs ${tf.version.tfjs} / libtensorflow ${backend.binding.TF_Version}`;
  const cpu = cpuFacts();
  const processor = backend.isUsingGpuDevice ? `gpu ${gpuNames().join("+")}` : `cpu ${cpu.vectorSet}`;
  // Users may cap or switch off oneDNN; both change the order of sums.
  const oneDnn = `onednn=${env.TF_ENABLE_ONEDNN_OPTS ?? "default"},${env.ONEDNN_MAX_CPU_ISA ?? "default"}`;
  return {
    name: "tensorflow",
    reason: options.engine === "auto" ? "first choice, and it loads" : "asked for",
    tf,
    compile: sessionCompiler(tf),
    version,
    device: backend.isUsingGpuDevice
      ? `gpu: ${gpuNames().join(", ")}`
      : `cpu: ${options.threads} threads, ${cpu.vectorSet}, ${cpu.model}`,
    fingerprint: ["tensorflow", version, `threads=${options.threads}`, processor, oneDnn].join("; "),
  };
}
