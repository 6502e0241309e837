/**
 * TensorFlow for NVIDIA GPUs: the wheel `tensorflow`, and the CUDA and cuDNN wheels that it names itself (its extra
 * "and-cuda"). They are laid out as pip would (deps/nvidia/cublas/lib/...), with a link to each library beside
 * libtensorflow. TensorFlow opens them by name while it runs; the addon is linked to all of them, so that they are loaded
 * by the addon's own run path before anybody asks, and LD_LIBRARY_PATH is not needed.
 */

import { readdir, rm, symlink } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { downloadWheel } from "./pip.mjs";
import { runStep, StepError } from "./process.mjs";

/** NVIDIA's wheels have older tags than TensorFlow's. */
export const CUDA_WHEEL = {
  name: "tensorflow",
  version: "2.21.0",
  extra: "and-cuda",
  platforms: ["manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64"],
};

/** What libtensorflow opens by name; without the first ones it says nothing and computes on the processor. */
const REQUIRED = ["cudart", "cublas", "cublasLt", "cufft", "cusolver", "cusparse", "cudnn", "nvJitLink"];
const OPTIONAL = ["curand", "cupti", "nccl", "nvrtc"];

/** Wheels 3 GB, of which each goes once it is unpacked, and libraries 6 GB. */
export const CUDA_DISK_BYTES_MIN = 10e9;

/** Fills deps/ from the wheel of TensorFlow at `wheel` and from the wheels that it asks for. */
export async function unpackCuda({ python, wheel, folder, log }) {
  const script = join(import.meta.dirname, "unpack-cuda.py");
  const asked = await runStep("read the wheel's requirements", python, [
    script,
    "requirements",
    wheel,
    CUDA_WHEEL.extra,
  ]);
  const requirements = asked.split("\n").filter((line) => line !== "");
  if (requirements.length === 0) {
    throw new StepError(
      "read the wheel's requirements",
      `${wheel} has no extra "${CUDA_WHEEL.extra}": it is no CUDA build`,
    );
  }
  const download = join(folder, "download-cuda");
  for (const requirement of requirements) {
    log(`fetching ${requirement} with pip`);
    const part = await downloadWheel(python, requirement, CUDA_WHEEL.platforms, download);
    await runStep(`unpack ${basename(part)}`, python, [script, "unpack", part, join(folder, "deps")]);
    await rm(download, { recursive: true });
  }
}

/**
 * Puts a link beside libtensorflow to every library under deps/nvidia.
 * @returns {Promise<string[]>} file names that the addon has to be linked to
 */
export async function linkCuda(deps) {
  const found = new Map();
  for (const name of (await readdir(join(deps, "nvidia"), { recursive: true }).catch(() => [])).sort()) {
    const file = name.split("/").at(-1);
    if (!/^lib.*\.so(\.\d+)*$/.test(file)) continue;
    if (found.has(file))
      throw new StepError("lay out CUDA", `${file} is in two wheels: ${found.get(file)} and ${name}`);
    found.set(file, name);
  }
  const named = (library) => [...found.keys()].find((file) => new RegExp(`^lib${library}\\.so\\.\\d+$`).test(file));
  const missing = REQUIRED.filter((library) => named(library) === undefined);
  if (missing.length > 0) {
    throw new StepError("lay out CUDA", `the wheels lack ${missing.map((library) => `lib${library}`).join(", ")}`);
  }
  const lib = join(deps, "lib");
  for (const [file, path] of found) await symlink(relative(lib, join(deps, "nvidia", path)), join(lib, file));
  return [...REQUIRED, ...OPTIONAL].map(named).filter((file) => file !== undefined);
}

/** Everything is needed, whether the addon uses a symbol of it or not; what those need in turn is beside them. */
export function linkerFlagsOf(libraries, lib) {
  if (libraries.length === 0) return [];
  const names = libraries.map((file) => `-l:${file}`);
  return ["-Wl,--no-as-needed", `-Wl,-rpath-link,${lib}`, `-L${lib}`, ...names];
}
