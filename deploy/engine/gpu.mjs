/**
 * Is there an NVIDIA GPU that an engine for CUDA 12 can use? `judgeGpu` decides from what `probeGpu` has seen.
 * A GPU that is there and cannot be used is an error, never a quiet step back to the processor.
 */

import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { StepError } from "./process.mjs";

/** CUDA 12 of any minor version runs from here on (NVIDIA's "CUDA Compatibility", minor version compatibility). */
export const DRIVER_MIN = "525.60.13";
const SMI_TIMEOUT_MS = 30_000;
const SMI_ARGS = ["--query-gpu=name,driver_version", "--format=csv,noheader"];
const OR_CPU = "or do without the GPU: SEEDGROW_DEVICE=cpu ./deploy/setup.sh";

/** Its code is one of shared/errors.ts: `seedgrow explain CODE` says more. */
export class GpuError extends StepError {
  constructor(code, detail, nextStep) {
    super(`[${code}]`, detail);
    this.code = code;
    this.nextStep = nextStep;
  }
}

/** @returns {Promise<{smi: null | {status: number, output: string}, version: string, gpus: string[]}>} */
export async function probeGpu(env = process.env, procDir = "/proc/driver/nvidia") {
  const smi = await new Promise((resolve) => {
    execFile("nvidia-smi", SMI_ARGS, { env, timeout: SMI_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error?.code === "ENOENT") resolve(null);
      else resolve({ status: error ? Number(error.code) || 1 : 0, output: `${stdout}${stderr}`.trim() });
    });
  });
  const version = await readFile(join(procDir, "version"), "utf8").catch(() => "");
  const gpus = await readdir(join(procDir, "gpus")).catch(() => []);
  return { smi, version, gpus };
}

/**
 * What to build for, and why.
 * @param device "auto", "cpu" or "gpu", as SEEDGROW_DEVICE has it
 * @returns {{cuda: boolean, reason: string}}
 * @throws GpuError GPU_DRIVER_MISSING | GPU_DRIVER_OLD | GPU_NOT_VISIBLE
 */
export function judgeGpu(device, { smi, version, gpus }, env) {
  if (device === "cpu") return { cuda: false, reason: "SEEDGROW_DEVICE=cpu" };
  if (["", "-1", "NoDevFiles"].includes(env.CUDA_VISIBLE_DEVICES)) {
    if (device === "auto") return { cuda: false, reason: "CUDA_VISIBLE_DEVICES hides every GPU" };
    throw new GpuError("GPU_NOT_VISIBLE", "CUDA_VISIBLE_DEVICES hides every GPU", "unset CUDA_VISIBLE_DEVICES.");
  }
  if (smi === null && version === "") {
    if (device === "auto") return { cuda: false, reason: "no NVIDIA driver" };
    throw new GpuError(
      "GPU_DRIVER_MISSING",
      "no NVIDIA driver is loaded, and nvidia-smi is not there",
      installDriver(),
    );
  }
  const { driver, names } = smi === null ? fromKernel(version, gpus) : fromSmi(smi);
  if (compareVersions(driver, DRIVER_MIN) < 0) {
    const next = `update the driver to ${DRIVER_MIN} or newer (Debian: apt-get install nvidia-driver), ${OR_CPU}`;
    throw new GpuError("GPU_DRIVER_OLD", `the NVIDIA driver is ${driver}, CUDA 12 needs ${DRIVER_MIN}`, next);
  }
  if (names.length === 0) {
    throw new GpuError("GPU_NOT_VISIBLE", `driver ${driver} is loaded, but there is no GPU`, showGpu());
  }
  return { cuda: true, reason: `driver ${driver}, ${names.join(", ")}` };
}

function fromSmi({ status, output }) {
  if (/no devices were found/i.test(output)) {
    throw new GpuError("GPU_NOT_VISIBLE", "nvidia-smi finds no GPU", showGpu());
  }
  if (/version mismatch/i.test(output)) {
    const next = `restart the machine, so that the new driver is loaded, ${OR_CPU}`;
    throw new GpuError("GPU_DRIVER_MISSING", `the driver was changed under the running kernel: ${output}`, next);
  }
  if (status !== 0) throw new GpuError("GPU_DRIVER_MISSING", `nvidia-smi failed: ${output}`, installDriver());
  const rows = output.split("\n").flatMap((line) => {
    const [, name, driver] = /^(.+), *(\d[\d.]*)$/.exec(line.trim()) ?? [];
    return name === undefined ? [] : [{ name, driver }];
  });
  if (rows.length === 0) throw new GpuError("GPU_NOT_VISIBLE", `nvidia-smi lists no GPU: ${output}`, showGpu());
  return { driver: rows[0].driver, names: rows.map(({ name }) => name) };
}

/** Containers may have the driver without its tools. */
function fromKernel(version, gpus) {
  const driver = /Kernel Module(?: for \S+)?\s+(\d[\d.]*)/.exec(version)?.[1];
  if (driver) return { driver, names: gpus };
  throw new GpuError("GPU_DRIVER_MISSING", `what driver this is cannot be read: ${version}`, installDriver());
}

/** Below 0: `a` is the older one. */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((text) => text.split(".").map(Number));
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function installDriver() {
  return `install NVIDIA's driver (Debian: apt-get install nvidia-driver) until nvidia-smi shows the GPU, ${OR_CPU}`;
}

function showGpu() {
  return `make nvidia-smi show a GPU (in a container: --gpus all; under Slurm: --gpus=1), ${OR_CPU}`;
}
