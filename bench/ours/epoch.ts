/** The command line as it is, on drawn photos: training steps per second of a run with local workers. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { answerEach, givenWork } from "../lib/answer.js";

interface EpochWork {
  readonly workers: number;
  readonly threads: number;
  readonly steps: number;
}

interface StepEvent {
  readonly at: string;
  readonly kind: string;
  readonly phase?: string;
}

/** The first steps load photos and warm caches up. */
const firstSteps = 3;
const bin = fileURLToPath(new URL("../../../bin/seedgrow", import.meta.url));
const { workers, threads, steps } = givenWork<EpochWork>();
const dir = mkdtempSync(join(tmpdir(), "seedgrow-epoch-"));
const data = join(dir, "data");
const drawn = ["data", "synth", "--out", data, "--train", "24", "--val", "0", "--size", "256x256"];
execFileSync(bin, drawn, { stdio: "ignore" });
try {
  await answerEach("seedgrow train --local", stepsPerSecond);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function stepsPerSecond(): Promise<number> {
  const runs = mkdtempSync(join(dir, "runs-"));
  const method = ["rounds=1", "classifier.steps=1", `segmenter.steps=${steps}`, "seeds.pamrIterations=0"];
  const settings = [...method.map((one) => `method.${one}`), `cluster.threads=${threads}`];
  const sets = settings.flatMap((one) => ["--set", one]);
  const args = ["train", "--data", join(data, "train"), "--out", runs, "--local", String(workers), ...sets];
  const child = spawn(bin, args, { stdio: "ignore" });
  const over = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const times = await Promise.race([lastSteps(runs), over.then((code) => failed(code))]);
  await stop(child, over);
  rmSync(runs, { recursive: true, force: true });
  return ((times.length - 1) * 1000) / (times.at(-1)! - times[0]!);
}

/** When the round's steps were done, milliseconds. */
async function lastSteps(runs: string): Promise<number[]> {
  for (;;) {
    const [run] = readdirSync(runs);
    const events = run === undefined ? [] : eventsOf(join(runs, run, "events.jsonl"));
    const done = events.filter(({ kind, phase }) => kind === "step" && phase !== "classify");
    if (done.length >= steps) return done.slice(firstSteps - 1).map(({ at }) => Date.parse(at));
    await pause(200);
  }
}

function eventsOf(path: string): StepEvent[] {
  try {
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function failed(code: number | null): never {
  throw new Error(`seedgrow train ended with ${code}`);
}

async function stop(child: ChildProcess, over: Promise<unknown>): Promise<void> {
  child.kill("SIGINT");
  await over;
}
