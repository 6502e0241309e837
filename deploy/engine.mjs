#!/usr/bin/env node
/**
 * Puts the TensorFlow engine in place: finds it in the cache, or installs, proves and caches it; then links
 * node_modules/@tensorflow/tfjs-node-gpu to it. See docs/ENGINES.md.
 */

import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { buildInto, cacheDir, linkEngine, readRecord, tfjsVersion, withLock, writeRecord } from "./engine/cache.mjs";
import { CUDA_WHEEL } from "./engine/cuda.mjs";
import { GpuError, judgeGpu, probeGpu } from "./engine/gpu.mjs";
import { pipArgs, requirementOf } from "./engine/pip.mjs";
import { runStep, StepError } from "./engine/process.mjs";
import {
  addonOf,
  cudaRecipe,
  PINNED_WHEEL,
  packageRecipe,
  RECIPE_VERSION,
  sha256Of,
  wheelRecipe,
} from "./engine/recipes.mjs";

const HELP = `usage: node deploy/engine.mjs [--verify] [--gpu-elsewhere] [--help]

Installs the TensorFlow engine into the cache and links it into node_modules. Quick when it is already there.
Where NVIDIA's driver shows a GPU it is the one for CUDA, and has to compute on that GPU before it is used.
  --verify          also load it and check a gradient when nothing had to be installed
  --gpu-elsewhere   build for CUDA on a machine without a GPU (an image): nothing is computed on one

environment:
  SEEDGROW_DEVICE             auto, cpu (no CUDA, whatever is there), gpu (an error where CUDA cannot be used)
  XDG_CACHE_HOME              where the cache is (default ~/.cache)
  SEEDGROW_TENSORFLOW_WHEEL   a TensorFlow wheel for Linux on this machine, instead of downloading one
  PYTHON, CXX                 which Python 3 and which C++ compiler to use`;

/** exitCodes.environment of shared/errors.ts: setup puts no other engine in the place of one for the GPU. */
const EXIT_GPU = 4;
const root = dirname(import.meta.dirname);
const toolsDir = join(root, "node_modules");
const packageDir = join(toolsDir, "@tensorflow/tfjs-node-gpu");
const platform = `${process.platform}-${process.arch}`;
const startMs = performance.now();

function log(message) {
  console.log(`engine: ${message}`);
}

/** @throws GpuError where a GPU is wanted and cannot be used */
async function wantsCuda(env, isElsewhere) {
  const device = env.SEEDGROW_DEVICE || "auto";
  if (!["auto", "cpu", "gpu"].includes(device))
    throw new StepError("SEEDGROW_DEVICE", `"${device}": use auto, cpu or gpu`);
  if (isElsewhere && device !== "cpu") return true;
  const { cuda, reason } = judgeGpu(device, await probeGpu(env), env);
  if (reason !== "no NVIDIA driver") log(`${cuda ? "for CUDA" : "for the processor"}: ${reason}`);
  if (!cuda || platform === PINNED_WHEEL.platform) return cuda;
  if (device === "gpu")
    throw new GpuError("GPU_NOT_USED", `there is no CUDA build for ${platform}`, "use --engine webgpu.");
  log(`there is no CUDA build for ${platform}: the GPU is not used (docs/ENGINES.md: webgpu)`);
  return false;
}

/** What to try, best first, each with the folder that caches its result. */
async function planEngines(env, isCuda) {
  const context = { packageDir, toolsDir, log };
  const suffix = `tfjs-${tfjsVersion(packageDir)}-${platform}`;
  const folder = (name) => join(cacheDir(env), "engines", `${name}-${suffix}`);
  if (isCuda) return [await planCuda(env, context, folder)];
  if (env.SEEDGROW_TENSORFLOW_WHEEL) {
    const wheelPath = resolve(env.SEEDGROW_TENSORFLOW_WHEEL);
    return [{ folder: folder(await wheelId(wheelPath)), ...wheelRecipe({ ...context, wheelPath }) }];
  }
  const packaged = { folder: folder("libtensorflow-2.9.1"), ...packageRecipe(context) };
  if (platform !== PINNED_WHEEL.platform) return [packaged];
  const wheelId_ = `${PINNED_WHEEL.name}-${PINNED_WHEEL.version}`;
  return [{ folder: folder(wheelId_), ...wheelRecipe({ ...context, wheelPath: null }) }, packaged];
}

/** Nothing else in its place: who has a GPU would never hear of it. */
async function planCuda(env, context, folder) {
  if (!env.SEEDGROW_TENSORFLOW_WHEEL) {
    return {
      folder: folder(`${CUDA_WHEEL.name}-${CUDA_WHEEL.version}-cuda`),
      ...cudaRecipe({ ...context, wheelPath: null }),
    };
  }
  const wheelPath = resolve(env.SEEDGROW_TENSORFLOW_WHEEL);
  if (basename(wheelPath).startsWith("tensorflow_cpu")) {
    const next = `name a wheel of ${CUDA_WHEEL.name}, or say SEEDGROW_DEVICE=cpu.`;
    throw new GpuError("GPU_NOT_USED", `SEEDGROW_TENSORFLOW_WHEEL=${wheelPath} is built without CUDA`, next);
  }
  return { folder: folder(`${await wheelId(wheelPath)}-cuda`), ...cudaRecipe({ ...context, wheelPath }) };
}

/** The pinned wheel shares its cache folder however it came here; any other is told apart by its bytes. */
async function wheelId(path) {
  if (!existsSync(path)) throw new StepError("SEEDGROW_TENSORFLOW_WHEEL", `no such file: ${path}`);
  const sha256 = await sha256Of(path);
  if (sha256 === PINNED_WHEEL.sha256) return `${PINNED_WHEEL.name}-${PINNED_WHEEL.version}`;
  return `wheel-${sha256.slice(0, 12)}`;
}

async function findCached(engines) {
  for (const engine of engines) {
    const record = await readRecord(engine.folder, RECIPE_VERSION);
    if (record) return { ...engine, record };
  }
  return null;
}

/** Tries the recipes in order; a failure is kept for the final message. */
async function installFirst(engines, needsGpu) {
  const failures = [];
  for (const engine of engines) {
    const { title: source, isCuda = false, diskBytesMin } = engine;
    try {
      const build = async (folder) => {
        await engine.build(folder);
        const facts = await verify(folder, isCuda && needsGpu);
        return writeRecord(folder, { recipeVersion: RECIPE_VERSION, source, cuda: isCuda, ...facts });
      };
      return { ...engine, record: await buildInto(engine.folder, build, diskBytesMin) };
    } catch (error) {
      if (error instanceof GpuError) throw error;
      failures.push(`${engine.title}\n     failed at ${error.message}`);
      log(`${engine.title} did not work`);
    }
  }
  throw new StepError("No TensorFlow engine", `tried\n${failures.map((text, i) => `  ${i + 1}. ${text}`).join("\n")}`);
}

async function verify(folder, needsGpu) {
  log(`checking a convolution's gradient${needsGpu ? " on the GPU" : ""}`);
  const check = join(import.meta.dirname, "engine/check.mjs");
  // With a GPU TensorFlow's own notes are wanted: they name the library that it did not find.
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: needsGpu ? "0" : "2", TF_FORCE_GPU_ALLOW_GROWTH: "true" };
  const args = [check, addonOf(folder), ...(needsGpu ? ["gpu"] : [])];
  try {
    const output = await runStep("load it and compute a gradient", process.execPath, args, { env });
    return JSON.parse(
      output
        .trim()
        .split("\n")
        .findLast((line) => line.startsWith("{")),
    );
  } catch (error) {
    if (!/ran on the processor/.test(error.message)) throw error;
    const next = "mend what TensorFlow names above (docs/ENGINES.md), or say SEEDGROW_DEVICE=cpu.";
    throw new GpuError("GPU_NOT_USED", error.message, next);
  }
}

async function ensureEngine({ forceVerify, isElsewhere }) {
  if (!existsSync(packageDir)) throw new StepError("npm packages", "node_modules is missing: run ./deploy/setup.sh");
  const isCuda = await wantsCuda(process.env, isElsewhere);
  const needsGpu = isCuda && !isElsewhere;
  const engines = await planEngines(process.env, isCuda);
  const cached = await findCached(engines);
  const installUnlessMeanwhile = async () => (await findCached(engines)) ?? (await installFirst(engines, needsGpu));
  const engine = cached ?? (await withLock(dirname(engines[0].folder), log, installUnlessMeanwhile));
  if (cached && forceVerify) await verify(engine.folder, needsGpu);
  const linked = await linkEngine(engine.folder, packageDir);
  const how = cached ? (linked ? "linked from" : "already in") : "installed into";
  const tookS = ((performance.now() - startMs) / 1000).toFixed(1);
  log(`TensorFlow ${engine.record.tensorflow}, ${how} ${engine.folder} (${tookS} s)`);
}

/** What an engine for CUDA is made of, fetched elsewhere by hand. */
function pipCommand(error) {
  const wheel = error.message.includes("CUDA: ") ? CUDA_WHEEL : PINNED_WHEEL;
  return pipArgs(requirementOf(wheel), wheel.platforms, ".").join(" ");
}

function explain(error) {
  console.error(`engine: ${error instanceof StepError ? error.message : error.stack}`);
  if (error instanceof GpuError) {
    console.error(`Next step: ${error.nextStep}`);
    process.exitCode = EXIT_GPU;
    return;
  }
  console.error(`
Next step: mend what the failed step names and run ./deploy/setup.sh again. Without a network, fetch the wheel elsewhere:
  python3 ${pipCommand(error)}
and then: SEEDGROW_TENSORFLOW_WHEEL=FILE.whl ./deploy/setup.sh     (docs/ENGINES.md has more)`);
  process.exitCode = 1;
}

const flags = process.argv.slice(2);
const unknown = flags.find((flag) => !["--help", "--verify", "--gpu-elsewhere"].includes(flag));
if (flags.includes("--help")) {
  console.log(HELP);
} else if (unknown) {
  console.error(`engine: unknown flag ${unknown}\n${HELP}`);
  process.exitCode = 2;
} else {
  await ensureEngine({
    forceVerify: flags.includes("--verify"),
    isElsewhere: flags.includes("--gpu-elsewhere"),
  }).catch(explain);
}
