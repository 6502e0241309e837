/** Wheels by pip: one Python's tags are as good as another's, for they are only unpacked. */

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { runStep, StepError } from "./process.mjs";

const HOW = ["--no-deps", "--only-binary=:all:", "--retries", "1", "--disable-pip-version-check"];
const PYTHON = ["--python-version", "311", "--implementation", "cp"];

export function requirementOf({ name, version }) {
  return `${name}==${version}`;
}

/** @param platforms pip takes a wheel of exactly these. */
export function pipArgs(requirement, platforms, folder) {
  const tags = platforms.flatMap((platform) => ["--platform", platform]);
  return ["-m", "pip", "download", requirement, ...HOW, ...PYTHON, ...tags, "--dest", folder];
}

/** @returns {Promise<string>} path of the only wheel in `folder` */
export async function downloadWheel(python, requirement, platforms, folder) {
  await mkdir(folder, { recursive: true });
  await runStep(`pip download ${requirement}`, python, pipArgs(requirement, platforms, folder));
  const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
  if (!wheel) throw new StepError("pip download", `pip succeeded but left no wheel of ${requirement}`);
  return join(folder, wheel);
}
