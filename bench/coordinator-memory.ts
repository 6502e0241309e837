/**
 * The coordinator's peak memory, in models: `npx tsc && node dist/bench/coordinator-memory.js`.
 * Simulated workers send gradients of the right size; `VmHWM` is the kernel's own high-water mark (Linux).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import Table from "cli-table3";

const bin = join(process.cwd(), "bin", "seedgrow");
const parameterCounts = [1_000, 25_000_000];
const workerCounts = [1, 2, 4, 8];
const bytesPerParameter = 4;

async function ended(args: readonly string[], onRunning: (pid: number) => void, variables = {}): Promise<void> {
  const env = { ...process.env, ...variables };
  const child = spawn(bin, args, { stdio: ["ignore", "ignore", "pipe"], env });
  let said = "";
  child.stderr.on("data", (text) => {
    said += text;
  });
  let isOver = false;
  const over = new Promise<number | null>((resolve) => child.once("exit", resolve)).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    onRunning(child.pid!);
    await Promise.race([over, pause(50)]);
  }
  if ((await over) !== 0) throw new Error(`seedgrow ${args.join(" ")} failed:\n${said}`);
}

function peakBytes(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

async function peakOf(dir: string, parameters: number, workers: number): Promise<number> {
  const sets = ["rounds=1", "classifier.steps=4", "classifier.warmupSteps=0", "segmenter.steps=8"];
  const shape = ["segmenter.microBatches=16", "segmenter.microBatchSize=1"];
  let peak = 0;
  const args = ["train", "--data", join(dir, "data", "train"), "--out", join(dir, "runs"), "--local", String(workers)];
  const engine = { SEEDGROW_WORKER_ENGINE: "simulated", SEEDGROW_WORKER_SIMULATED_PARAMS: String(parameters) };
  const overrides = [...sets, ...shape].flatMap((one) => ["--set", `method.${one}`]);
  const sample = (pid: number) => {
    peak = Math.max(peak, peakBytes(pid));
  };
  await ended([...args, ...overrides], sample, engine);
  rmSync(join(dir, "runs"), { recursive: true });
  return peak;
}

const dir = mkdtempSync(join(tmpdir(), "seedgrow-memory-"));
try {
  const drawn = ["data", "synth", "--out", join(dir, "data"), "--train", "16", "--val", "4", "--size", "64x64"];
  await ended(drawn, () => undefined);
  const table = new Table({
    head: ["parameters", ...workerCounts.map((count) => `${count} worker${count > 1 ? "s" : ""}`)],
  });
  const idle: number[] = [];
  for (const parameters of parameterCounts) {
    const model = parameters * bytesPerParameter;
    const row: string[] = [];
    for (const [i, workers] of workerCounts.entries()) {
      const peak = await peakOf(dir, parameters, workers);
      idle[i] ??= peak;
      const models = ((peak - idle[i]) / model).toFixed(1);
      row.push(parameters === parameterCounts[0] ? `${mega(peak)} MB` : `${mega(peak)} MB, ${models} models more`);
    }
    table.push([parameters.toLocaleString("en"), ...row]);
  }
  process.stdout.write(`${table.toString()}\n`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

function mega(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
