/**
 * Thousands of steps with many workers, one of which is killed every few seconds: nothing grows, nothing is lost.
 * `npm run soak`; SEEDGROW_SOAK_STEPS, _WORKERS, _KILL_MS (0: nobody is killed) and _ENGINE for another one.
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import Table from "cli-table3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readStatus } from "../../coordinator/adapters/status-store.js";
import { connectBus, onJson } from "../../shared/net/bus.js";
import { runStatusSchema, subjects, workerBeatSchema } from "../../shared/net/subjects.js";
import { Rng } from "../../shared/rng.js";
import { Cluster, type ClusterOptions } from "../chaos/cluster.js";
import { kill } from "../support/processes.js";
import { Workplace } from "../support/seedgrow.js";
import { trendOf } from "./trend.js";

const steps = Number(process.env.SEEDGROW_SOAK_STEPS ?? 2_000);
const workers = Number(process.env.SEEDGROW_SOAK_WORKERS ?? 16);
/** So many are never killed: what grows slowly shows in them. */
const spared = Math.min(4, workers);
const engine = process.env.SEEDGROW_SOAK_ENGINE === "tensorflow" ? "tensorflow" : "simulated";
const killEveryMs = Number(process.env.SEEDGROW_SOAK_KILL_MS ?? 4_000);
const sampleEveryMs = 2_000;
/** Growth over the whole run that counts as noise, share of the mean: heaps of V8 and Go breathe. */
const growthMax = 0.1;
/** JetStream keeps the block that it writes: 12,000 writes of 4 KB raise it by 15 MB within the first 1,000, then no more. */
const brokerGrowthBytesMax = 16 * 1024 * 1024;

let data: Workplace;
beforeAll(async () => {
  data = new Workplace();
  await data.draw(16, 4);
});
afterAll(() => data?.clear());

function options(count: number): ClusterOptions {
  const overrides = {
    "method.rounds": 1,
    "method.classifier.steps": 1,
    "method.classifier.warmupSteps": 0,
    "method.segmenter.steps": steps,
    "method.segmenter.microBatches": 16,
    "method.segmenter.microBatchSize": 1,
  };
  return { data: data.path("data"), workers: count, engine, imageMs: 4, overrides };
}

async function undisturbed(): Promise<string> {
  const cluster = await Cluster.start(options(2));
  try {
    await cluster.train();
    return await cluster.weights();
  } finally {
    cluster.end();
  }
}

function rssBytes(pid: number): number | null {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
  } catch {
    return null;
  }
}

/** [steps done, bytes] of every process that is never killed. */
type Samples = Map<string, [number, number][]>;

class Watch {
  readonly samples: Samples = new Map();
  readonly tensors = new Map<string, Set<number>>();
  private stepsDone = 0;

  constructor(private readonly cluster: Cluster) {}

  async follow(runId: string, isOver: () => boolean): Promise<void> {
    const bus = await connectBus({ url: `nats://127.0.0.1:${this.cluster.broker.port}`, name: "soak" });
    onJson(bus, subjects.beat, workerBeatSchema, ({ workerId, tensors }) => {
      if (tensors === undefined || this.stepsDone < steps * 0.1) return;
      this.tensors.set(workerId, (this.tensors.get(workerId) ?? new Set()).add(tensors));
    });
    while (!isOver()) {
      await pause(sampleEveryMs);
      const status = runStatusSchema.safeParse(await readStatus(bus, runId)).data;
      if (status?.phase !== "round 1 training") continue;
      this.stepsDone = status.done;
      this.sample();
    }
    await bus.connection.close();
  }

  private sample(): void {
    const { coordinator, broker, workers: hosts } = this.cluster;
    const watched = [
      ["coordinator", coordinator.pid],
      ["nats-server", broker.pid],
      ...hosts.slice(0, spared).map(({ id, pid }) => [id, pid]),
    ] as [string, number][];
    for (const [name, pid] of watched) {
      const bytes = rssBytes(pid);
      if (bytes !== null) this.samples.set(name, [...(this.samples.get(name) ?? []), [this.stepsDone, bytes]]);
    }
  }
}

async function killNowAndThen(cluster: Cluster, isOver: () => boolean): Promise<number> {
  const rng = new Rng("soak");
  let kills = 0;
  if (killEveryMs === 0) return 0;
  while (!isOver()) {
    await pause(killEveryMs * rng.uniform(0.5, 1.5));
    const victim = cluster.workers[spared + rng.integer(workers - spared)]!;
    if (isOver()) break;
    kill(victim.pid);
    kills++;
    await cluster.restartWorker(victim);
  }
  return kills;
}

test(`${steps} steps, ${workers} workers (${engine}), one killed every ${killEveryMs / 1000} s`, async () => {
  const expected = await undisturbed();
  const cluster = await Cluster.start(options(workers));
  try {
    const startedMs = Date.now();
    const run = await cluster.train();
    await cluster.phase("train-1");
    let isEnded = false;
    const isOver = () => isEnded;
    const watch = new Watch(cluster);
    const following = watch.follow(run.runId!, isOver);
    const killing = killNowAndThen(cluster, isOver);
    const weights = await cluster.weights().finally(() => {
      isEnded = true;
    });
    const kills = await killing;
    await following;
    const losses = cluster.events(0).filter(({ kind }) => kind === "worker-lost");
    const seconds = Math.round((Date.now() - startedMs) / 1000);
    process.stdout.write(
      `\n${steps} steps, ${workers} workers, ${kills} kills, ${losses.length} losses seen, ${seconds} s\n`,
    );
    print(watch);
    expect(weights).toBe(expected);
    if (killEveryMs > 0) expect(kills).toBeGreaterThan((seconds * 200) / killEveryMs);
    for (const [name, points] of watch.samples) {
      // The first third warms up.
      const { mean, slope, error } = trendOf(points.slice(Math.floor(points.length / 3)));
      const bytesMax = name === "nats-server" ? brokerGrowthBytesMax : mean * growthMax;
      expect((slope - 2 * error) * steps, `growth of ${name}`).toBeLessThan(bytesMax);
    }
    for (const counts of watch.tensors.values()) expect(counts.size).toBeLessThanOrEqual(2);
  } finally {
    cluster.end();
  }
});

function print({ samples, tensors }: Watch): void {
  const table = new Table({
    head: ["process", "samples", "RSS mean MB", "min", "max", "MB per 1000 steps", "± 2 SE", "tensors"],
  });
  const mb = (bytes: number) => (bytes / 1024 / 1024).toFixed(1);
  for (const [name, points] of samples) {
    const late = points.slice(Math.floor(points.length / 3));
    const { mean, slope, error } = trendOf(late);
    const bytes = late.map(([, y]) => y);
    const counts = [...(tensors.get(name) ?? [])].join(" ") || "-";
    table.push([
      name,
      late.length,
      mb(mean),
      mb(Math.min(...bytes)),
      mb(Math.max(...bytes)),
      mb(slope * 1000),
      mb(2 * error * 1000),
      counts,
    ]);
  }
  process.stdout.write(`${table.toString()}\n`);
}
