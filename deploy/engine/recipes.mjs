/**
 * Two ways to get libtensorflow and the addon of @tensorflow/tfjs-node-gpu. Each recipe fills an empty folder:
 *   deps/lib/*.so*                  libtensorflow
 *   lib/napi-v8/tfjs_binding.node   the addon, with a run path of $ORIGIN/../../deps/lib
 * That is the package's own layout, so two symlinks install it. The addon is N-API: one build serves every Node.
 */

import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { cp, mkdir, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CUDA_DISK_BYTES_MIN, CUDA_WHEEL, linkCuda, linkerFlagsOf, unpackCuda } from "./cuda.mjs";
import { downloadWheel, requirementOf } from "./pip.mjs";
import { runStep, StepError } from "./process.mjs";

/** Any Python's wheel will do, we only unzip it: naming one keeps the hash the same everywhere. */
export const PINNED_WHEEL = {
  name: "tensorflow-cpu",
  version: "2.21.0",
  sha256: "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
  platforms: ["manylinux_2_27_x86_64"],
  platform: "linux-x64",
};

/** C declarations of N-API, for a Node that came without its headers. */
const NODE_HEADERS = "node-api-headers@1.9.0";
const NAPI_VERSION = 8;
/**
 * Node unloads an addon when the worker thread that loaded it ends, but libtensorflow has registered exit handlers and
 * may have threads running: both would then point to nothing (segmentation fault at exit). So it stays loaded.
 */
const LINKER_FLAGS = "-Wl,-z,nodelete";
/** Raise when a recipe changes what it builds: cached engines of other versions are then built again. */
export const RECIPE_VERSION = 2;
const ADDON = `lib/napi-v${NAPI_VERSION}/tfjs_binding.node`;

/** libtensorflow from a pip wheel: `wheelPath` where the user names one, else the pinned one through pip. */
export function wheelRecipe({ packageDir, toolsDir, wheelPath, log }) {
  return {
    title: wheelPath ? `the wheel ${wheelPath}` : `the pip wheel ${PINNED_WHEEL.name} ${PINNED_WHEEL.version}`,
    async build(folder) {
      const python = await findPython(wheelPath === null);
      if (wheelPath === null) log(`fetching ${PINNED_WHEEL.name} ${PINNED_WHEEL.version} with pip (274 MB)`);
      const wheel = wheelPath ?? (await downloadPinned(python, join(folder, "download")));
      log(`unpacking ${basename(wheel)}`);
      await runStep("unpack the wheel", python, [
        join(import.meta.dirname, "unpack-wheel.py"),
        wheel,
        join(folder, "deps"),
      ]);
      await rm(join(folder, "download"), { recursive: true, force: true });
      await linkLibraryNames(join(folder, "deps/lib"));
      await buildAddon({ folder, packageDir, toolsDir, log });
    },
  };
}

/** The same for NVIDIA GPUs. Its hash is the index's: pip compares it. */
export function cudaRecipe({ packageDir, toolsDir, wheelPath, log }) {
  return {
    title: wheelPath ? `CUDA: the wheel ${wheelPath}` : `CUDA: the pip wheel ${CUDA_WHEEL.name} ${CUDA_WHEEL.version}`,
    isCuda: true,
    diskBytesMin: CUDA_DISK_BYTES_MIN,
    async build(folder) {
      const python = await findPython(true);
      const deps = join(folder, "deps");
      const requirement = requirementOf(CUDA_WHEEL);
      if (wheelPath === null) log(`fetching ${requirement} with pip`);
      const wheel =
        wheelPath ?? (await downloadWheel(python, requirement, CUDA_WHEEL.platforms, join(folder, "download")));
      log(`unpacking ${basename(wheel)}`);
      await runStep("unpack the wheel", python, [join(import.meta.dirname, "unpack-wheel.py"), wheel, deps]);
      await unpackCuda({ python, wheel, folder, log });
      await rm(join(folder, "download"), { recursive: true, force: true });
      await linkLibraryNames(join(deps, "lib"));
      const libraries = await linkCuda(deps);
      await buildAddon({ folder, packageDir, toolsDir, log, libraries });
    },
  };
}

async function findPython(needsPip) {
  const failures = [];
  for (const python of [process.env.PYTHON, "python3", "python"].filter(Boolean)) {
    try {
      await runStep("find Python 3", python, needsPip ? ["-m", "pip", "--version"] : ["--version"]);
      return python;
    } catch (error) {
      failures.push(error.message);
    }
  }
  throw new StepError("find Python 3 with pip", `install it (Debian: apt-get install python3-pip)\n${failures.at(-1)}`);
}

async function downloadPinned(python, folder) {
  const wheel = await downloadWheel(python, requirementOf(PINNED_WHEEL), PINNED_WHEEL.platforms, folder);
  const sha256 = await sha256Of(wheel);
  if (sha256 !== PINNED_WHEEL.sha256) {
    throw new StepError("check the wheel", `${basename(wheel)} has SHA-256 ${sha256}, expected ${PINNED_WHEEL.sha256}`);
  }
  return wheel;
}

export async function sha256Of(path) {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** The linker looks for libtensorflow.so; at run time the name inside the library counts. */
async function linkLibraryNames(libDir) {
  await symlink("libtensorflow_cc.so.2", join(libDir, "libtensorflow.so"));
  await symlink("libtensorflow_framework.so.2", join(libDir, "libtensorflow_framework.so"));
}

/** node-gyp needs make and Node's headers; where one is missing, the compiler alone still builds two files. */
async function buildAddon({ folder, packageDir, toolsDir, log, libraries = [] }) {
  const flags = [LINKER_FLAGS, ...linkerFlagsOf(libraries, join(folder, "deps/lib"))];
  for (const name of ["binding", "binding.gyp"])
    await cp(join(packageDir, name), join(folder, name), { recursive: true });
  log("building the addon with node-gyp");
  try {
    await buildWithNodeGyp(folder, toolsDir, flags);
  } catch (gypError) {
    log("node-gyp failed; building the addon with the C++ compiler alone");
    await buildWithCompiler(folder, flags).catch((error) => {
      throw new StepError("build the addon", `${gypError.message}\n     ${error.message}`);
    });
  }
  for (const name of ["binding", "binding.gyp", "build", "headers", "deps/include"]) {
    await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function buildWithNodeGyp(folder, toolsDir, linkerFlags) {
  const prefix = nodePrefix();
  const headers = existsSync(join(prefix, "include/node/common.gypi")) ? [`--nodedir=${prefix}`] : [];
  const variables = ["-Dmodule_name=tfjs_binding", `-Dmodule_path=${join(folder, dirname(ADDON))}`];
  const gyp = join(toolsDir, "node-gyp/bin/node-gyp.js");
  const args = [gyp, "rebuild", "-j", "2", ...headers, "--", ...variables, `-Dnapi_build_version=${NAPI_VERSION}`];
  const env = { ...process.env, LDFLAGS: `${process.env.LDFLAGS ?? ""} ${linkerFlags.join(" ")}` };
  await runStep("node-gyp rebuild", process.execPath, args, { cwd: folder, env });
}

async function buildWithCompiler(folder, linkerFlags) {
  const includes = [await nodeHeaders(folder), join(folder, "deps/include")].map((path) => `-I${path}`);
  const sources = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(folder, "binding", name));
  const flags = ["-std=c++17", "-O3", "-fPIC", "-shared", `-DNAPI_VERSION=${NAPI_VERSION}`];
  const libraries = [`-L${join(folder, "deps/lib")}`, "-ltensorflow", "-ltensorflow_framework"];
  const output = [...linkerFlags, "-Wl,-rpath,$ORIGIN/../../deps/lib", "-o", join(folder, ADDON)];
  await mkdir(join(folder, dirname(ADDON)), { recursive: true });
  const compiler = process.env.CXX || "c++";
  await runStep("C++ compiler", compiler, [...flags, ...includes, ...sources, ...libraries, ...output]);
}

async function nodeHeaders(folder) {
  const installed = join(nodePrefix(), "include/node");
  if (existsSync(join(installed, "node_api.h"))) return installed;
  const prefix = join(folder, "headers");
  await mkdir(prefix, { recursive: true });
  await runStep("fetch Node's headers", "npm", ["install", "--prefix", prefix, "--ignore-scripts", NODE_HEADERS]);
  return join(prefix, "node_modules/node-api-headers/include");
}

function nodePrefix() {
  return dirname(dirname(process.execPath));
}

/** The package's own choice: the libtensorflow it was released with, from its makers' server or a mirror of that. */
export function packageRecipe({ packageDir, toolsDir, log }) {
  const { LIBTENSORFLOW_VERSION: version } = createRequire(import.meta.url)(
    join(packageDir, "scripts/deps-constants.js"),
  );
  return {
    title: `the package's own download (libtensorflow ${version})`,
    async build(folder) {
      const deps = join(folder, "deps");
      await mkdir(deps);
      const url = libtensorflowUrl(version, process.env);
      log(`fetching ${url}`);
      // The package's downloader knows about proxies; Node's fetch does not.
      const script = "require(process.argv[1]).downloadAndUnpackResource(process.argv[2], process.argv[3])";
      const args = ["-e", script, join(packageDir, "scripts/resources.js"), url, deps];
      await runStep("download libtensorflow", process.execPath, args);
      await buildAddon({ folder, packageDir, toolsDir, log });
    },
  };
}

/** The same variables for mirrors as the package's own installer. */
function libtensorflowUrl(version, env) {
  const host = env.TFJS_NODE_CDN_STORAGE || "https://storage.googleapis.com/";
  const base = env.TFJS_NODE_BASE_URI || `${host}tensorflow/libtensorflow/libtensorflow-`;
  return `${base}cpu-${process.platform}-${process.arch === "x64" ? "x86_64" : process.arch}-${version}.tar.gz`;
}

export function addonOf(folder) {
  return join(folder, ADDON);
}
