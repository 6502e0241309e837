/** A cluster of real processes on loopback: broker, workers, coordinator, each of which can be hurt. */
import { readdirSync, rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { freePort } from "../support/ports.js";
import { isRunning, kill } from "../support/processes.js";
import { type Seedgrow, settings, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";
import { Broker } from "./broker.js";
import { LinkProxy } from "./proxy.js";

const crashPoint = fileURLToPath(new URL("crash-point.mjs", import.meta.url));
/** Sixteen workers that start at once keep a small machine busy. */
const startTimeoutMs = 5 * 60_000;
/** A supervisor starts a worker again after this. */
const restartMs = 300;

export interface ClusterOptions {
  /** Folder with train/, val/ and masks/. */
  readonly data: string;
  readonly workers: number;
  readonly engine: "simulated" | "tensorflow" | "wasm";
  readonly imageMs: number;
  /** Every link goes through a proxy. */
  readonly isProxied?: boolean;
  /** What is wrong with worker i. */
  readonly faults?: readonly string[];
  readonly overrides?: Readonly<Record<string, string | number>>;
  /** Folder of runs; default: in the workplace. */
  readonly runsDir?: string;
}

export interface CrashPoint {
  readonly file: string;
  readonly when: "before" | "after" | "torn";
  /** Only the write that makes it so many files in its folder. */
  readonly files?: number;
}

/** One worker and the links that lead to it and from it. */
export class WorkerHost {
  private run: Seedgrow | null = null;
  startedAtMs = 0;

  constructor(
    readonly id: string,
    private readonly start: () => Seedgrow,
    /** From the coordinator to this worker, and from this worker to the broker. */
    readonly links: { readonly commands: LinkProxy; readonly bus: LinkProxy } | null,
  ) {
    this.restart();
  }

  get pid(): number {
    return this.run!.pid;
  }

  get said(): string {
    return this.run!.stderr;
  }

  get exited() {
    return this.run!.exited;
  }

  restart(): void {
    this.startedAtMs = Date.now();
    this.run = this.start();
  }
}

export class Cluster {
  readonly place: Workplace;
  readonly workers: WorkerHost[] = [];
  coordinator!: Seedgrow;
  /** From any worker to the coordinator's blobs, and from the coordinator to the broker. */
  links: { readonly blobs: LinkProxy; readonly bus: LinkProxy } | null = null;
  broker!: Broker;
  private runId = "";
  private blobsPort = 0;
  private readonly proxies: LinkProxy[] = [];
  private readonly runsDir: string;

  private constructor(private readonly options: ClusterOptions) {
    this.place = new Workplace();
    this.runsDir = options.runsDir ?? this.place.path("runs");
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    // A test that is timed out ends with its process, and never comes to its `finally`.
    process.once("exit", cluster.end);
    cluster.broker = await Broker.start(cluster.place.path("nats"));
    if (options.isProxied) {
      cluster.blobsPort = await freePort();
      cluster.links = { blobs: await cluster.proxy(cluster.blobsPort), bus: await cluster.proxy(cluster.broker.port) };
    }
    for (let index = 0; index < options.workers; index++) await cluster.addWorker();
    return cluster;
  }

  async addWorker(): Promise<WorkerHost> {
    const { engine, imageMs, faults = [], isProxied } = this.options;
    const index = this.workers.length;
    const id = `w${index + 1}`;
    const args = ["worker", "--id", id, "--engine", engine, "--simulated-image-ms", String(imageMs)];
    args.push("--exit-with-parent");
    let links: WorkerHost["links"] = null;
    let busPort = this.broker.port;
    if (isProxied) {
      const port = await freePort();
      links = { commands: await this.proxy(port), bus: await this.proxy(busPort) };
      args.push("--listen", `127.0.0.1:${port}`, "--advertise", `127.0.0.1:${links.commands.port}`);
      busPort = links.bus.port;
    }
    args.push("--nats", `nats://127.0.0.1:${busPort}`);
    if (faults[index]) args.push("--simulated-fault", faults[index]);
    const worker = new WorkerHost(id, () => this.place.seedgrow(...args), links);
    this.workers.push(worker);
    return worker;
  }

  /** Starts the run; resolves when it has an id. */
  async train(crash?: CrashPoint): Promise<Seedgrow> {
    const { data, overrides } = this.options;
    const sources = ["--data", `${data}/train`, "--val", `${data}/val`, "--masks", `${data}/masks`];
    const links = this.links
      ? ["cluster.listen", `127.0.0.1:${this.blobsPort}`, "cluster.advertise", `127.0.0.1:${this.links.blobs.port}`]
      : [];
    const sets = settings({
      ...overrides,
      ...(links.length > 0 ? { [links[0]!]: links[1]!, [links[2]!]: links[3]! } : {}),
    });
    const args = ["train", ...sources, "--nats", this.busUrl, "--out", this.runsDir, ...sets, "--json"];
    this.coordinator = this.place.start(args, crashEnv(crash));
    await until("the run to begin", () => this.coordinator.runId ?? this.coordinator.child.signalCode, startTimeoutMs);
    // One that was killed early said nothing, but has left a folder.
    const [newest] = readdirSync(this.runsDir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort()
      .reverse();
    this.runId = this.coordinator.runId ?? newest!;
    return this.coordinator;
  }

  resume(crash?: CrashPoint): Seedgrow {
    this.coordinator = this.place.start(["resume", this.runDir, "--json"], crashEnv(crash));
    return this.coordinator;
  }

  /** As if the coordinators were on two machines: neither sees the other's process. */
  forgetLock(): void {
    rmSync(`${this.runDir}/coordinator.pid`, { force: true });
  }

  get runDir(): string {
    return `${this.runsDir}/${this.runId}`;
  }

  /** What has happened since, oldest first. */
  events(sinceMs: number): RunEventRecord[] {
    return this.place.events(this.runId, this.runsDir).filter(({ at }) => Date.parse(at) >= sinceMs);
  }

  async event(what: string, sinceMs: number, fits: (record: RunEventRecord) => boolean): Promise<RunEventRecord> {
    return until(what, () => {
      const found = this.events(sinceMs).find(fits);
      if (found) return found;
      const { child, stderr } = this.coordinator;
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the coordinator ended with ${child.exitCode} before ${what}:\n${stderr}`);
      return null;
    });
  }

  phase(phase: string, sinceMs = 0): Promise<RunEventRecord> {
    return this.event(`phase ${phase}`, sinceMs, (record) => record.kind === "phase-started" && record.phase === phase);
  }

  /** The SHA-256 of the final weights of a coordinator that is to end well. */
  async weights(): Promise<string> {
    const ended = await this.coordinator.ends(0);
    return ended.json<{ weightsSha256: string }>().weightsSha256;
  }

  /** What a supervisor does. */
  async restartWorker(worker: WorkerHost): Promise<void> {
    await until(`${worker.id} to be gone`, () => !isRunning(worker.pid));
    await pause(restartMs);
    worker.restart();
  }

  readonly end = (): void => {
    process.off("exit", this.end);
    this.broker.stop();
    for (const proxy of this.proxies) proxy.close();
    for (const { pid } of this.workers) kill(pid);
    this.place.clear();
  };

  private get busUrl(): string {
    return `nats://127.0.0.1:${this.links?.bus.port ?? this.broker.port}`;
  }

  private async proxy(port: number): Promise<LinkProxy> {
    const proxy = await LinkProxy.to(port);
    this.proxies.push(proxy);
    return proxy;
  }
}

function crashEnv(crash: CrashPoint | undefined): Record<string, string> {
  return crash ? { NODE_OPTIONS: `--import ${crashPoint}`, CRASH_POINT: JSON.stringify(crash) } : {};
}
