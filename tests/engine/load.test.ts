/** What only real processes and threads can show: whether TensorFlow sees the settings that were meant for it. */
import { execFile } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compileEngine } from "./compile-engine.js";

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;
let folder: string;

/** Loads the engine in a worker thread; `where` says who applies the settings. Prints the outcome as JSON. */
const threadScript = `
import { readdirSync } from "node:fs";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { engineEnv, loadEngine } from "./worker/engine/load.js";

const [where, threadsText] = isMainThread ? process.argv.slice(2) : workerData;
const options = { engine: "auto", threads: Number(threadsText) };
const countThreads = () => readdirSync("/proc/self/task").length;

if (isMainThread) {
  if (where === "main") Object.assign(process.env, engineEnv(options));
  new Worker(new URL(import.meta.url), { workerData: [where, threadsText] }).on("message", (m) => console.log(JSON.stringify(m)));
} else {
  if (where === "thread") Object.assign(process.env, engineEnv(options));
  const before = countThreads();
  try {
    const { name, version, device, fingerprint, reason } = await loadEngine(options);
    parentPort.postMessage({ name, version, device, fingerprint, reason, threadsStarted: countThreads() - before });
  } catch ({ code, message, hint }) {
    parentPort.postMessage({ code, message, hint });
  }
}
`;

beforeAll(() => {
  folder = compileEngine();
  writeFileSync(join(folder, "thread.js"), threadScript);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function loadInThread(
  where: "main" | "thread",
  threads: number,
  extraEnv = {},
): Promise<Record<string, unknown>> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, CUDA_VISIBLE_DEVICES: "-1", ...extraEnv };
  const args = [join(folder, "thread.js"), where, String(threads)];
  const { stdout } = await run(process.execPath, args, { env, timeout: TIMEOUT_MS });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as Record<string, unknown>;
}

test("settings applied in the main thread reach the engine of a worker thread", { timeout: TIMEOUT_MS }, async () => {
  const one = await loadInThread("main", 1);
  const three = await loadInThread("main", 3);
  expect(one).toMatchObject({ name: "tensorflow", reason: "first choice, and it loads" });
  expect(one.version).toMatch(/^tfjs 4\.22\.0 \/ libtensorflow \d+\.\d+/);
  expect(one.fingerprint).toContain("threads=1");
  // TensorFlow itself followed: its pool is two threads larger.
  expect(Number(three.threadsStarted) - Number(one.threadsStarted)).toBe(2);
});

test("settings applied in the worker thread only are refused: getenv() does not see them", {
  timeout: TIMEOUT_MS,
}, async () => {
  const outcome = await loadInThread("thread", 2);
  expect(outcome.code).toBe("ENGINE_FAILED");
  expect(outcome.message).toContain("TF_NUM_INTRAOP_THREADS=2 (is unset)");
});

test("a GPU that was asked for and is not used is an error", { timeout: TIMEOUT_MS }, async () => {
  const outcome = await loadInThread("main", 1, { SEEDGROW_DEVICE: "gpu" });
  expect(outcome).toMatchObject({ code: "GPU_NOT_USED", message: expect.stringContaining("found none") });
});
