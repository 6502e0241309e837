/**
 * A cluster of simulated workers on this machine, and runs on it: how long a training step takes when the computing itself
 * takes a known time and no processor, and how much processor the rest costs whom.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type OwnNats, startNats } from "../../coordinator/adapters/nats-server.js";

export type Mode = "star" | "sharded" | "local";

export interface ClusterWork {
  readonly workers: number;
  /** Pretended time of a photo. */
  readonly photoMs: number;
  /** By which share that varies from one piece of work to the next: the slowest of many makes all others wait. */
  readonly jitter: number;
  /** In a worker's share of a step, which is one micro-batch. */
  readonly photos: number;
  /** Of the model, f32. */
  readonly parameters: number;
  readonly mode: Mode;
  /** Before those that are measured: the first attaches, pulls photos and touches memory; in the next ones the code is compiled. */
  readonly firstUpdates: number;
  /** That are measured: steps, or outer rounds of local steps. */
  readonly updates: number;
}

/** Per optimiser step, milliseconds. */
export interface StepCost {
  readonly wallMs: number;
  readonly coordinatorCpuMs: number;
  /** Of all workers together. */
  readonly workersCpuMs: number;
}

/** H of the local rows. */
export const localSteps = 16;
/** What waits and what is waited for is far longer. */
const lookMs = 20;
const clockTickMs = 10;
const bin = fileURLToPath(new URL("../../../bin/seedgrow", import.meta.url));

interface Mark {
  readonly atMs: number;
  readonly coordinatorCpuMs: number;
  readonly workersCpuMs: number;
}

export class SimulatedCluster {
  private constructor(
    private readonly dir: string,
    private readonly nats: OwnNats,
    private readonly workers: readonly ChildProcess[],
  ) {}

  static async start({ workers, photoMs, jitter, parameters }: ClusterWork): Promise<SimulatedCluster> {
    const dir = mkdtempSync(join(tmpdir(), "seedgrow-scaling-"));
    const photos = ["--train", "32", "--val", "0", "--size", "64x64"];
    execFileSync(bin, ["data", "synth", "--out", join(dir, "data"), ...photos], { stdio: "ignore" });
    const nats = await startNats(join(dir, "nats"), join(dir, "nats.log"));
    const engine = [
      ...["--engine", "simulated", "--simulated-params", `${parameters}`],
      ...["--simulated-image-ms", `${photoMs}`, "--simulated-jitter", `${jitter}`],
    ];
    const started = Array.from({ length: workers }, (_, i) => {
      const own = ["--id", `w${i}`, "--cache", join(dir, `cache-${i}`), "--data", join(dir, "data/train")];
      return spawn(bin, ["worker", "--nats", nats.url, ...engine, ...own], { stdio: "ignore" });
    });
    return new SimulatedCluster(dir, nats, started);
  }

  async stop(): Promise<void> {
    const over = this.workers.map((worker) => new Promise((resolve) => worker.once("exit", resolve)));
    for (const worker of this.workers) worker.kill("SIGKILL");
    await Promise.all(over);
    await this.nats.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Trains until so many updates are done, then stops. */
  async measure(work: ClusterWork): Promise<StepCost> {
    const { firstUpdates, updates } = work;
    const runs = mkdtempSync(join(this.dir, "runs-"));
    const args = ["train", "--data", join(this.dir, "data/train"), "--out", runs, "--nats", this.nats.url];
    const sets = settingsOf(work).flatMap((one) => ["--set", one]);
    const child = spawn(bin, [...args, ...sets], { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    child.stderr.on("data", (data) => {
      said = `${said}${data}`.slice(-2_000);
    });
    const over = new Promise<never>((_, reject) => {
      child.once("exit", (code) => reject(new Error(`seedgrow train ended with ${code}:\n${said}`)));
    });
    over.catch(() => undefined);
    try {
      const first = await Promise.race([this.markAt(child, runs, work, firstUpdates), over]);
      const last = await Promise.race([this.markAt(child, runs, work, firstUpdates + updates), over]);
      return costOf(first, last, updates * (work.mode === "local" ? localSteps : 1));
    } finally {
      child.kill("SIGKILL");
      await over.catch(() => undefined);
      rmSync(runs, { recursive: true, force: true });
    }
  }

  /** When so many updates of the classifier were done. */
  private async markAt(child: ChildProcess, runs: string, { mode }: ClusterWork, count: number): Promise<Mark> {
    const wanted = mode === "local" ? "outer-round" : "step";
    for (;;) {
      const done = eventsIn(runs).filter(({ kind }) => kind === wanted);
      if (done.length >= count) {
        const workersCpuMs = this.workers.reduce((sum, { pid }) => sum + cpuMsOf(pid!), 0);
        return { atMs: Date.parse(done[count - 1]!.at), coordinatorCpuMs: cpuMsOf(child.pid!), workersCpuMs };
      }
      await pause(lookMs);
    }
  }
}

/** As many micro-batches as workers: everybody's share is the same, however many there are. */
function settingsOf({ workers, photos, mode, firstUpdates, updates }: ClusterWork): string[] {
  const steps = (firstUpdates + updates + 1) * (mode === "local" ? localSteps : 1);
  return [
    ...["method.rounds=1", "method.imageSize=64", "method.pamr.size=32", "method.cam.scales=[1]"],
    ...[
      `method.classifier.steps=${steps}`,
      "method.classifier.cropSize=64",
      `method.classifier.microBatchSize=${photos}`,
    ],
    ...[`method.classifier.microBatches=${workers}`, `method.segmenter.steps=${localSteps}`],
    ...[`method.segmenter.microBatches=${workers}`, "method.segmenter.cropSize=64"],
    ...[`cluster.workersMin=${workers}`, "cluster.checkpointSteps=0"],
    ...(mode === "local" ? ["cluster.sync=local", `cluster.localSteps=${localSteps}`] : [`cluster.topology=${mode}`]),
  ];
}

function costOf(first: Mark, last: Mark, steps: number): StepCost {
  return {
    wallMs: (last.atMs - first.atMs) / steps,
    coordinatorCpuMs: (last.coordinatorCpuMs - first.coordinatorCpuMs) / steps,
    workersCpuMs: (last.workersCpuMs - first.workersCpuMs) / steps,
  };
}

interface LogLine {
  readonly at: string;
  readonly kind: string;
}

function eventsIn(runs: string): LogLine[] {
  const [run] = readdirSync(runs);
  if (run === undefined) return [];
  try {
    const lines = readFileSync(join(runs, run, "events.jsonl"), "utf8")
      .split("\n")
      .slice(0, -1);
    return lines.map((line) => JSON.parse(line) as LogLine);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** User and system time of a process so far. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // "pid (name) state ppid ...": utime and stime are the 14th and 15th field of all.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * clockTickMs;
}
