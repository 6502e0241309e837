/**
 * TensorFlow reads its settings with getenv(), once, while it loads. What JavaScript sees in `process.env` is not what
 * getenv() sees inside a worker thread: there it is a copy. So the starter of a process or thread applies
 * `engineEnv`, and the loader checks the native environment instead of trusting `process.env`.
 */
import { type EngineChoice, engineChoices, engineVariable } from "../../shared/engine-name.js";
import { AppError } from "../../shared/errors.js";

export interface EngineOptions {
  /** `auto` takes TensorFlow where it is installed, else WebAssembly. */
  readonly engine: EngineChoice;
  /** Threads inside one operation. Count, >= 1. Part of what decides the bits of a sum. */
  readonly threads: number;
  /** Operations of one graph that may run side by side, and of several compute threads. Changes no bit. Default: 1. */
  readonly operationsAtOnce?: number;
  /** webgpu: index or part of the name of the GPU. Default: SEEDGROW_GPU, else Dawn's choice. */
  readonly gpu?: string;
}

export type EngineDevice = "auto" | "cpu" | "gpu";

/** Variables to set before the process that loads the engine starts, or in its main thread before any worker thread. */
export function engineEnv(options: EngineOptions): Record<string, string> {
  if (!Number.isInteger(options.threads) || options.threads < 1) {
    throw new AppError("CONFIG_INVALID", `engine threads must be a whole number >= 1, got ${options.threads}`);
  }
  return {
    TF_NUM_INTRAOP_THREADS: String(options.threads),
    // With threads inside of operations, a second pool would only fight for the same cores.
    TF_NUM_INTEROP_THREADS: String(options.operationsAtOnce ?? 1),
    // The default takes all memory of the GPU.
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    // 2 = errors only: the notes about CPU features would land in the middle of the progress display.
    TF_CPP_MIN_LOG_LEVEL: "2",
    // BF16 changes neither a bit nor the time of libtensorflow 2.21 here; STRICT keeps it so.
    ONEDNN_DEFAULT_FPMATH_MODE: "STRICT",
  };
}

/**
 * The environment as getenv() sees it, in any thread. Node's diagnostic report lists the native one (uv_os_environ);
 * /proc/self/environ would not do, it keeps the values of the process's start.
 */
export function nativeEnv(): Record<string, string> {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean };
  const { excludeNetwork } = report;
  report.excludeNetwork = true; // its host names may wait for DNS
  try {
    const { environmentVariables } = report.getReport() as { environmentVariables?: Record<string, string> };
    if (!environmentVariables) throw new AppError("ENGINE_FAILED", "Node's report does not list the environment.");
    return environmentVariables;
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/** Throws unless every variable of `wanted` has reached the native environment. */
export function requireEnv(wanted: Record<string, string>, actual: Record<string, string>): void {
  const wrong = Object.entries(wanted).filter(([name, value]) => actual[name] !== value);
  if (wrong.length === 0) return;
  const list = wrong.map(([name, value]) => `${name}=${value} (is ${actual[name] ?? "unset"})`).join(", ");
  throw new AppError("ENGINE_FAILED", `TensorFlow would not see its settings: ${list}`, {
    hint: "Start the process or worker thread with engineEnv() already applied in the main thread.",
  });
}

/** What SEEDGROW_ENGINE says, for commands without a flag. */
export function requestedEngine(env: Record<string, string | undefined>): EngineChoice {
  const engine = env[engineVariable] ?? "auto";
  const known = engineChoices.find((choice) => choice === engine);
  if (known) return known;
  throw new AppError("CONFIG_INVALID", `${engineVariable} is "${engine}"; use ${engineChoices.join(", ")}`);
}

export function requestedDevice(env: Record<string, string | undefined>): EngineDevice {
  const device = env.SEEDGROW_DEVICE ?? "auto";
  if (device === "auto" || device === "cpu" || device === "gpu") return device;
  throw new AppError("CONFIG_INVALID", `SEEDGROW_DEVICE is "${device}"; use auto, cpu or gpu`);
}
