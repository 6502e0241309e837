/**
 * The engine cache: one folder per version, made in a temporary folder and renamed into place, so that it is whole
 * or absent. Correctness rests on that rename; the lock only spares a second setup the same work.
 */

import {
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  writeFile,
} from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir, hostname } from "node:os";
import { basename, dirname, isAbsolute, join } from "node:path";
import { StepError } from "./process.mjs";

const RECORD = "engine.json";
const LOCK_POLL_MS = 500;
const LOCK_WAIT_MS_MAX = 20 * 60_000;
/** Wheel 0.27 GB and libraries 0.85 GB at the same time, and the addon's build. */
const DISK_BYTES_MIN = 1.3e9;

/** XDG asks that a relative path be ignored. */
export function cacheDir(env = process.env) {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), ".cache"), "seedgrow");
}

export function tfjsVersion(packageDir) {
  return createRequire(import.meta.url)(join(packageDir, "package.json")).version;
}

/** The record of a whole engine, or null. Sizes catch a damaged disk or a tidy-up that took the large file. */
export async function readRecord(folder, recipeVersion) {
  try {
    const record = JSON.parse(await readFile(join(folder, RECORD), "utf8"));
    if (record.recipeVersion !== recipeVersion) return null;
    for (const [path, bytes] of Object.entries(record.files)) {
      if ((await stat(join(folder, path))).size !== bytes) return null;
    }
    return record;
  } catch {
    return null;
  }
}

export async function writeRecord(folder, facts) {
  const files = {};
  for (const name of await readdir(folder, { recursive: true })) {
    const { size } = await stat(join(folder, name));
    if (/\.(so(\.\d+)*|node)$/.test(name)) files[name] = size;
  }
  const record = { ...facts, files, node: process.version, installedAt: new Date().toISOString() };
  await writeFile(join(folder, RECORD), `${JSON.stringify(record, null, 2)}\n`);
  return record;
}

/** Gives `build` an empty temporary folder beside `target`, then renames it to `target`. */
export async function buildInto(target, build, diskBytesMin = DISK_BYTES_MIN) {
  const parent = dirname(target);
  await requireDiskSpace(parent, diskBytesMin);
  await removeAbandoned(parent);
  const folder = join(parent, `.building-${hostname()}-${process.pid}`);
  await mkdir(folder);
  try {
    const result = await build(folder);
    await rm(target, { recursive: true, force: true });
    await rename(folder, target);
    return result;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function requireDiskSpace(folder, bytesMin) {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytesMin) return;
  const [free, needed] = [bavail * bsize, bytesMin].map((bytes) => `${(bytes / 1e9).toFixed(1)} GB`);
  throw new StepError("disk space", `${folder} has ${free} free, ${needed} needed: free some or set XDG_CACHE_HOME`);
}

/** A killed setup leaves its folder behind; its process number tells that nobody works there any more. */
async function removeAbandoned(parent) {
  for (const name of await readdir(parent)) {
    const [, host, pid] = /^\.building-(.*)-(\d+)$/.exec(name) ?? [];
    if (host === hostname() && !isAlive(Number(pid))) await rm(join(parent, name), { recursive: true, force: true });
  }
}

export async function withLock(folder, log, work) {
  await mkdir(folder, { recursive: true });
  const path = join(folder, ".lock");
  const deadlineMs = Date.now() + LOCK_WAIT_MS_MAX;
  for (let told = false; !(await takeLock(path)); told = true) {
    if (!told) log("another setup is installing the engine: waiting for it");
    if (Date.now() > deadlineMs)
      throw new StepError("lock", `held for too long: remove ${path} if no setup is running`);
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function takeLock(path) {
  try {
    const file = await open(path, "wx");
    await file.writeFile(`${hostname()} ${process.pid}`);
    await file.close();
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
  const [host, pid] = (await readFile(path, "utf8").catch(() => "")).split(" ");
  if (host !== hostname() || isAlive(Number(pid))) return false;
  await rm(path, { force: true });
  return takeLock(path);
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Points the package's deps/ and lib/ at the engine; says whether anything had to change. */
export async function linkEngine(folder, packageDir) {
  let changed = false;
  for (const name of ["deps", "lib"]) {
    const [target, link] = [join(folder, name), join(packageDir, name)];
    if ((await readlink(link).catch(() => null)) === target) continue;
    await replaceWithLink(target, link);
    changed = true;
  }
  return changed;
}

/** A rename swaps a link without a moment in which it is missing; a real folder has to go first. */
async function replaceWithLink(target, link) {
  const fresh = join(dirname(link), `.${basename(link)}-${process.pid}`);
  await rm(fresh, { force: true });
  await symlink(target, fresh);
  if ((await readlink(link).catch(() => null)) === null) await rm(link, { recursive: true, force: true });
  await rename(fresh, link);
}
