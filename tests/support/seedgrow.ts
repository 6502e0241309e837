/** Starts the real program on tiny data, watches its event log, and lets no process outlive its test. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSynth } from "../../coordinator/adapters/synth-writer.js";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { descendantsOf, kill } from "./processes.js";
import { until } from "./until.js";

const launcher = fileURLToPath(new URL("../../bin/seedgrow", import.meta.url));

/** Seconds instead of minutes: the smallest network, few steps, small images. Every kind of phase takes part. */
const tiny = {
  "data.shardImages": 4,
  "method.imageSize": 64,
  "method.pamr.size": 32,
  "method.rounds": 2,
  "method.cam.scales": "[1]",
  "method.scratch.widths": "[8,8,16,16]",
  "method.classifier.steps": 6,
  "method.classifier.microBatchSize": 2,
  "method.classifier.cropSize": 64,
  "method.classifier.warmupSteps": 2,
  "method.mining.rounds": 0,
  "method.mining.steps": 6,
  "method.mining.cropSize": 64,
  "method.segmenter.steps": 6,
  "method.segmenter.microBatchSize": 2,
  "method.segmenter.cropSize": 64,
  "method.segmenter.channels": 8,
  "method.segmenter.warmupSteps": 2,
  "method.segmenter.emaDecay": 0.5,
};
type Settings = Readonly<Record<string, string | number>>;

/** As few updates as there can be. */
export const fewest = { "method.rounds": 1, "method.classifier.steps": 1, "method.segmenter.steps": 1 };

export function settings(overrides: Settings = {}): string[] {
  return Object.entries({ ...tiny, ...overrides }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running `seedgrow`. */
export class Seedgrow {
  stdout = "";
  stderr = "";
  readonly startedAt = new Date().toISOString();
  readonly exited: Promise<Exit>;

  constructor(
    readonly child: ChildProcess,
    private readonly command: string,
  ) {
    child.stdout?.on("data", (data) => {
      this.stdout += data;
    });
    child.stderr?.on("data", (data) => {
      this.stderr += data;
    });
    this.exited = new Promise((resolve) => child.once("close", (code, signal) => resolve({ code, signal })));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Known once the run has begun: "run 20260101-...". */
  get runId(): string | null {
    return /^run (\S+):/m.exec(this.stderr)?.[1] ?? null;
  }

  /** Waits for the end; anything but this exit code fails the test with what the program said. */
  async ends(code: number): Promise<this> {
    const exit = await this.exited;
    if (exit.code !== code) throw new Error(`${this.command} ended with ${JSON.stringify(exit)}:\n${this.stderr}`);
    return this;
  }

  /** The last line of stdout. */
  json<T = Record<string, unknown>>(): T {
    return JSON.parse(this.stdout.trim().split("\n").at(-1)!) as T;
  }
}

/** A folder for one test file, with what the program needs to leave no trace elsewhere. */
export class Workplace {
  readonly dir = mkdtempSync(join(tmpdir(), "seedgrow-e2e-"));

  /** @param inside stands before the program: "ip netns exec NAME" starts it on another "machine". */
  constructor(private readonly inside: readonly string[] = []) {}

  private readonly started: Seedgrow[] = [];
  private valImages = 0;

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  put(path: string, bytes: Uint8Array | string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), bytes);
  }

  /** Photos of 64x48 with masks: data/train, data/val (unless there is none), data/masks. */
  async draw(trainImages: number, valImages: number): Promise<void> {
    this.valImages = valImages;
    const size = { width: 64, height: 48 };
    await writeSynth({ outPath: this.path("data"), seed: 3, trainImages, valImages, size });
  }

  seedgrow(...args: readonly string[]): Seedgrow {
    return this.start(args);
  }

  start(args: readonly string[], extraEnv: Readonly<Record<string, string>> = {}): Seedgrow {
    const env = { ...process.env, NO_COLOR: "1", SEEDGROW_WORKER_CACHE: this.path("cache"), ...extraEnv };
    const [program, ...rest] = [...this.inside, process.execPath, launcher, ...args];
    const child = spawn(program!, rest, { cwd: this.dir, env, stdio: ["pipe", "pipe", "pipe"] });
    const run = new Seedgrow(child, `seedgrow ${args[0]}`);
    this.started.push(run);
    return run;
  }

  /** `seedgrow train` on what `draw` has drawn. */
  train(where: readonly string[], overrides: Settings = {}, extraEnv: Readonly<Record<string, string>> = {}): Seedgrow {
    const val = this.valImages > 0 ? ["--val", this.path("data/val")] : [];
    const data = ["--data", this.path("data/train"), ...val, "--masks", this.path("data/masks")];
    return this.start(["train", ...data, ...where, "--json", ...settings(overrides)], extraEnv);
  }

  /** Waits for an event of the run since `run` was started. */
  async event(run: Seedgrow, kind: string, fields: Readonly<Record<string, unknown>> = {}): Promise<RunEventRecord> {
    const what = `${kind} ${JSON.stringify(fields)}`;
    const fits = (record: RunEventRecord) => {
      return record.kind === kind && Object.entries(fields).every(([name, value]) => record[name] === value);
    };
    return until(what, () => {
      const found = this.events(run.runId ?? "none").find((record) => record.at >= run.startedAt && fits(record));
      if (!found && run.child.exitCode !== null) throw new Error(`ended before ${what}:\n${run.stderr}`);
      return found ?? null;
    });
  }

  /** The event log so far. */
  events(runId: string, runsDir = this.path("runs")): RunEventRecord[] {
    const path = join(runsDir, runId, "events.jsonl");
    if (!existsSync(path)) return [];
    const lines = readFileSync(path, "utf8").split("\n");
    // The last piece is empty, or a line that is being written.
    return lines.slice(0, -1).map((line) => JSON.parse(line) as RunEventRecord);
  }

  /** Ends whatever a failed test has left running, and removes the folder. */
  clear(): void {
    for (const { child, pid } of this.started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const below = descendantsOf(pid).map((info) => info.pid);
      for (const one of [pid, ...below]) kill(one);
    }
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** NODE_OPTIONS that load a file of this folder into every process and thread. */
export function preload(name: string): string {
  return `--require=${fileURLToPath(new URL(name, import.meta.url))}`;
}
