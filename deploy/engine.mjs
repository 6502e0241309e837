#!/usr/bin/env node
/**
 * Puts the TensorFlow engine in place: finds it in the cache, or installs, proves and caches it; then links
 * node_modules/@tensorflow/tfjs-node-gpu to it. See docs/ENGINES.md.
 */

import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { buildInto, cacheDir, linkEngine, readRecord, tfjsVersion, withLock, writeRecord } from "./engine/cache.mjs";
import { runStep, StepError } from "./engine/process.mjs";
import {
  addonOf,
  PINNED_WHEEL,
  packageRecipe,
  pipDownloadArgs,
  RECIPE_VERSION,
  sha256Of,
  wheelRecipe,
} from "./engine/recipes.mjs";

const HELP = `usage: node deploy/engine.mjs [--verify] [--help]

Installs the TensorFlow engine into the cache and links it into node_modules. Quick when it is already there.
  --verify   also load it and check a gradient when nothing had to be installed

environment:
  XDG_CACHE_HOME              where the cache is (default ~/.cache)
  SEEDGROW_TENSORFLOW_WHEEL   a TensorFlow wheel for Linux on this machine, instead of downloading one
  PYTHON, CXX                 which Python 3 and which C++ compiler to use`;

const root = dirname(import.meta.dirname);
const toolsDir = join(root, "node_modules");
const packageDir = join(toolsDir, "@tensorflow/tfjs-node-gpu");
const platform = `${process.platform}-${process.arch}`;
const startMs = performance.now();

function log(message) {
  console.log(`engine: ${message}`);
}

/** What to try, best first, each with the folder that caches its result. */
async function planEngines(env) {
  const context = { packageDir, toolsDir, log };
  const suffix = `tfjs-${tfjsVersion(packageDir)}-${platform}`;
  const folder = (name) => join(cacheDir(env), "engines", `${name}-${suffix}`);
  if (env.SEEDGROW_TENSORFLOW_WHEEL) {
    const wheelPath = resolve(env.SEEDGROW_TENSORFLOW_WHEEL);
    return [{ folder: folder(await wheelId(wheelPath)), ...wheelRecipe({ ...context, wheelPath }) }];
  }
  const packaged = { folder: folder("libtensorflow-2.9.1"), ...packageRecipe(context) };
  if (platform !== PINNED_WHEEL.platform) return [packaged];
  const wheelId_ = `${PINNED_WHEEL.name}-${PINNED_WHEEL.version}`;
  return [{ folder: folder(wheelId_), ...wheelRecipe({ ...context, wheelPath: null }) }, packaged];
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
async function installFirst(engines) {
  const failures = [];
  for (const engine of engines) {
    try {
      const record = await buildInto(engine.folder, async (folder) => {
        await engine.build(folder);
        return writeRecord(folder, { recipeVersion: RECIPE_VERSION, source: engine.title, ...(await verify(folder)) });
      });
      return { ...engine, record };
    } catch (error) {
      failures.push(`${engine.title}\n     failed at ${error.message}`);
      log(`${engine.title} did not work`);
    }
  }
  throw new StepError("No TensorFlow engine", `tried\n${failures.map((text, i) => `  ${i + 1}. ${text}`).join("\n")}`);
}

async function verify(folder) {
  log("checking a convolution's gradient");
  const check = join(import.meta.dirname, "engine/check.mjs");
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  const output = await runStep("load it and compute a gradient", process.execPath, [check, addonOf(folder)], { env });
  return JSON.parse(output.trim().split("\n").at(-1));
}

async function ensureEngine({ forceVerify }) {
  if (!existsSync(packageDir)) throw new StepError("npm packages", "node_modules is missing: run ./deploy/setup.sh");
  const engines = await planEngines(process.env);
  const cached = await findCached(engines);
  const installUnlessMeanwhile = async () => (await findCached(engines)) ?? (await installFirst(engines));
  const engine = cached ?? (await withLock(dirname(engines[0].folder), log, installUnlessMeanwhile));
  if (cached && forceVerify) await verify(engine.folder);
  const linked = await linkEngine(engine.folder, packageDir);
  const how = cached ? (linked ? "linked from" : "already in") : "installed into";
  const tookS = ((performance.now() - startMs) / 1000).toFixed(1);
  log(`TensorFlow ${engine.record.tensorflow}, ${how} ${engine.folder} (${tookS} s)`);
}

function explain(error) {
  console.error(`engine: ${error instanceof StepError ? error.message : error.stack}`);
  console.error(`
Next step: mend what the failed step names and run ./deploy/setup.sh again. Without a network, fetch the wheel elsewhere:
  python3 ${pipDownloadArgs(".").join(" ")}
and then: SEEDGROW_TENSORFLOW_WHEEL=FILE.whl ./deploy/setup.sh     (docs/ENGINES.md has more)`);
  process.exitCode = 1;
}

const flags = process.argv.slice(2);
const unknown = flags.find((flag) => !["--help", "--verify"].includes(flag));
if (flags.includes("--help")) {
  console.log(HELP);
} else if (unknown) {
  console.error(`engine: unknown flag ${unknown}\n${HELP}`);
  process.exitCode = 2;
} else {
  await ensureEngine({ forceVerify: flags.includes("--verify") }).catch(explain);
}
