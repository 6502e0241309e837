/** The engine is one build for every supported Node: a training step must give the same weights under each, to the bit. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cacheDir } from "../../shared/tool-paths.js";
import { engineEnv } from "../../worker/engine/environment.js";
import { compileEngine } from "./compile-engine.js";

const run = promisify(execFile);
const script = fileURLToPath(new URL("training-step.mjs", import.meta.url));
const FETCH_TIMEOUT_MS = 180_000;
const STEP_TIMEOUT_MS = 60_000;
let folder: string;

beforeAll(() => {
  folder = compileEngine();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface StepResult {
  readonly node: string;
  readonly fingerprint: string;
  readonly sha256: string;
}

async function trainingStep(node: string): Promise<StepResult> {
  const env = { ...process.env, ...engineEnv({ engine: "tensorflow", threads: 2 }) };
  const { stdout } = await run(node, [script, folder], { env, timeout: STEP_TIMEOUT_MS });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as StepResult;
}

/** Another Node as an npm package, kept in the cache; null where the registry cannot be reached. */
async function fetchNode(major: number): Promise<string | null> {
  const target = join(cacheDir(process.env), "nodes", String(major));
  const packageName = `node-${process.platform}-${process.arch}`;
  const binary = join("node_modules", packageName, "bin/node");
  if (existsSync(join(target, binary))) return join(target, binary);
  const fresh = `${target}-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    const how = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"];
    await run("npm", ["install", "--prefix", fresh, ...how, `${packageName}@${major}`], { cwd: fresh });
    rmSync(target, { recursive: true, force: true });
    renameSync(fresh, target);
    return join(target, binary);
  } catch (error) {
    process.stderr.write(`Node ${major} cannot be fetched from the npm registry: ${(error as Error).message}\n`);
    return null;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

const ownMajor = Number(process.versions.node.split(".")[0]);

for (const major of [20, 22, 24].filter((candidate) => candidate !== ownMajor)) {
  test(`Node ${major} trains to the same weights as Node ${ownMajor}`, { timeout: FETCH_TIMEOUT_MS }, async ({
    skip,
  }) => {
    const node = await fetchNode(major);
    if (node === null) return skip(`SKIPPED: Node ${major} could not be fetched, nothing is proven about it`);
    const [own, other] = [await trainingStep(process.execPath), await trainingStep(node)];
    expect(other.node).toMatch(new RegExp(`^v${major}\\.`));
    expect(other.fingerprint).toBe(own.fingerprint);
    expect(other.sha256).toBe(own.sha256);
  });
}

test("the same step twice gives the same weights", { timeout: STEP_TIMEOUT_MS }, async () => {
  expect((await trainingStep(process.execPath)).sha256).toBe((await trainingStep(process.execPath)).sha256);
});
