/**
 * A training phase in one process: the coordinator's runtime, workers with simulated engines, a broker, and real gRPC between
 * them. Quicker than processes, and a worker can be hurt at the very command that it gets.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as grpc from "@grpc/grpc-js";
import { CorrectionsStore } from "../../coordinator/adapters/corrections-store.js";
import { EventLog } from "../../coordinator/adapters/event-log.js";
import { Leases } from "../../coordinator/adapters/leases.js";
import { RunStore } from "../../coordinator/adapters/run-store.js";
import { Scratch } from "../../coordinator/adapters/scratch.js";
import { WorkerLinks } from "../../coordinator/adapters/worker-links.js";
import { type RunConfig, runConfigSchema } from "../../coordinator/config.js";
import { phasesOf } from "../../coordinator/phases.js";
import { initialProgress } from "../../coordinator/progress.js";
import { RunResults } from "../../coordinator/results.js";
import { RunRuntime } from "../../coordinator/runtime.js";
import type { Manifest } from "../../shared/data/manifest.js";
import type { AttachRequest__Output } from "../../shared/gen/seedgrow/v1/AttachRequest.js";
import type { WorkReply } from "../../shared/gen/seedgrow/v1/WorkReply.js";
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import type { Wire } from "../../shared/math/wire.js";
import { blobHandlers, MemoryBlobs, pullBlob } from "../../shared/net/blobs.js";
import { type Bus, publishJson } from "../../shared/net/bus.js";
import { Blobs, clientOptions, serverOptions } from "../../shared/net/proto.js";
import { listen } from "../../shared/net/rpc.js";
import { type RunEventRecord, subjects } from "../../shared/net/subjects.js";
import { protocolVersion, seedgrowVersion } from "../../shared/version.js";
import { PeerLinks } from "../../worker/adapters/peer-links.js";
import { CorrectionStore } from "../../worker/data/correction-store.js";
import { WorkerExchange } from "../../worker/exchange/exchange.js";
import type { JobContext } from "../../worker/jobs/context.js";
import { WeightsBase } from "../../worker/jobs/weights-base.js";
import { WorkerRuntime } from "../../worker/runtime.js";
import { addServices } from "../../worker/services.js";
import { SimulatedCompute } from "../../worker/simulated/compute.js";

export const leafCount = 8;
export const parameters = 20_011;
export const steps = 5;

/** Hears of every command that a worker gets; `die` ends the worker there and then. */
export type OnCommand = (worker: TestWorker, request: WorkRequest__Output) => void;

export interface RunOptions {
  readonly topology?: "star" | "sharded";
  readonly wire?: Wire | undefined;
  /** Replicas take so many steps each. */
  readonly local?: { readonly replicas: number; readonly steps: number };
  readonly workers: number;
  readonly audit?: number;
  readonly faults?: readonly string[];
  readonly onCommand?: OnCommand;
  /** Hears of every answer. */
  readonly onReply?: (job: string, reply: WorkReply) => void;
  /** More than this goes to files. */
  readonly memoryBytes?: number;
  /** Pretended time per image, milliseconds. */
  readonly imageMs?: number;
  /** One more worker comes when a command is this. */
  readonly joinsAt?: (request: WorkRequest__Output) => boolean;
}

export interface RunEnd {
  readonly weightsSha256: string | undefined;
  readonly outcome: string;
  readonly events: readonly RunEventRecord[];
  /** [step, loss]. */
  readonly losses: readonly (readonly [number, number])[];
}

const silent = () => undefined;

function manifest(): Manifest {
  const entry = (path: string, tag: number) => ({
    path,
    digest: "0".repeat(64),
    bytes: 1,
    width: 1,
    height: 1,
    tags: [tag],
    maskDigest: null,
  });
  const images = Array.from({ length: 12 }, (_, i) => entry(`${i}.jpg`, 1 + (i % 2)));
  return {
    version: 1,
    classes: ["cat", "dog"],
    train: { root: "/", images, shards: [images.map((_, i) => i)] },
    val: null,
  };
}

function configOf({ topology, local, wire, audit = 0 }: RunOptions): RunConfig {
  const classifier = { steps, microBatches: leafCount, microBatchSize: 2 };
  const sync = local && { sync: "local", localSteps: local.steps, localReplicas: local.replicas };
  return runConfigSchema.parse({
    method: { classifier },
    cluster: { topology, wire, audit, checkpointSteps: 2, ...sync },
  });
}

export class TestWorker {
  readonly runtime: WorkerRuntime;
  private readonly server = new grpc.Server(serverOptions);
  private readonly closers: (() => void)[] = [];
  private address = "";
  isDead = false;
  /** Of each blob of the coordinator's, in order. */
  readonly pulledBytes: number[] = [];
  private onAttached: () => void = silent;
  readonly attached = new Promise<void>((resolve) => {
    this.onAttached = resolve;
  });
  /** Before that the first piece is not answered: all have a part in every step. */
  everybodyIsHere: Promise<unknown> = Promise.resolve();
  private beating: NodeJS.Timeout | undefined;

  constructor(
    readonly id: string,
    private readonly config: RunConfig,
    private readonly pretended: { readonly fault: string; readonly imageMs: number },
    private readonly onCommand: OnCommand,
    private readonly onReply: NonNullable<RunOptions["onReply"]> = silent,
  ) {
    const openRun = async (request: AttachRequest__Output) => this.openRun(request);
    this.runtime = new WorkerRuntime({ nowMs: () => performance.now(), openRun, log: silent });
  }

  async start(bus: Bus): Promise<void> {
    const { server, runtime } = this;
    addServices(server, runtime, {
      attach: async (request) => {
        await runtime.attach(request);
        this.onAttached();
      },
      work: async (request) => {
        if (request.job === "init") await this.everybodyIsHere;
        this.onCommand(this, request);
        if (this.isDead) return new Promise(silent);
        const reply = await runtime.work(request);
        this.onReply(request.job ?? "", reply);
        return reply;
      },
    });
    this.address = await listen(server, "127.0.0.1:0", grpc.ServerCredentials.createInsecure());
    this.beating = setInterval(() => this.beat(bus), 200);
    this.beat(bus);
  }

  die(): void {
    this.isDead = true;
    this.close();
  }

  close(): void {
    clearInterval(this.beating);
    this.server.forceShutdown();
    for (const close of this.closers.splice(0)) close();
  }

  private beat(bus: Bus): void {
    publishJson(bus, subjects.beat, {
      ...{ workerId: this.id, protocolVersion, seedgrowVersion, host: "here", pid: 1, address: this.address },
      ...{ engine: "simulated", device: "", fingerprint: "simulated", threads: 1, leasedBy: null, rssBytes: 1 },
    });
  }

  private openRun({ coordinatorAddress, lease }: AttachRequest__Output) {
    const client = new Blobs(coordinatorAddress, grpc.credentials.createInsecure(), clientOptions);
    const ended = new AbortController();
    const peers = new PeerLinks({ runId: lease!.runId, trust: null, isInsecure: false, signal: ended.signal });
    const { method, seed, cluster } = this.config;
    const { wire } = cluster;
    const setup = { method, seed, wire, classes: ["cat", "dog"], backbone: null };
    const options = { imageMs: this.pretended.imageMs, jitter: 0, parameters, fault: this.pretended.fault };
    const compute = new SimulatedCompute(options, setup, this.id);
    const pull = async (digest: string) => {
      const bytes = await pullBlob(client, digest, { signal: ended.signal });
      this.pulledBytes.push(bytes.length);
      return bytes;
    };
    const close = () => {
      ended.abort();
      client.close();
      peers.close();
    };
    this.closers.push(close);
    const context = {
      setup,
      manifest: manifest(),
      prepare: async () => undefined,
      compute: {
        losses: { count: 0, reason: "" },
        call: async (name: "init", ...args: Parameters<SimulatedCompute["init"]>) => {
          return { result: compute[name](...args), computeMs: 1 };
        },
      },
      images: {
        entry: (_: string, image: number) => manifest().train.images[image],
        pixels: async (_: string, image: number) => Uint8Array.of(image),
      },
      corrections: new CorrectionStore(pull),
      pull,
      loaded: new Map(),
      base: new WeightsBase(wire, pull),
      closed: ended.signal,
      exchange: new WorkerExchange({
        ...{ method, seed, wire, pullBlob: pull },
        pullPeer: (range, target) => peers.pull(range, target),
      }),
    } as unknown as JobContext;
    return { context, close };
  }
}

/** Trains one phase to its end. */
export async function trainInProcess(bus: Bus, options: RunOptions): Promise<RunEnd> {
  const runId = `run-${Math.random().toString(36).slice(2)}`;
  const config = configOf(options);
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-sharded-"));
  const store = new RunStore(dir);
  await store.create();
  const blobs = new MemoryBlobs();
  const server = new grpc.Server(serverOptions);
  server.addService(Blobs.service, blobHandlers(blobs));
  const coordinatorAddress = await listen(server, "127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  const scratch = new Scratch(join(dir, "scratch"), options.memoryBytes ?? 2 ** 24);
  const nowMs = () => performance.now();
  const losses: [number, number][] = [];
  const results = new RunResults(
    {
      ...{ config, manifest: manifest(), store, blobs, scratch, nowMs },
      pullState: (workerId, output) => links.pullState(workerId, output),
      broadcast: async () => undefined,
      onStep: (_, step, loss) => losses.push([step, loss]),
      ...{ onStage: silent, onRefused: silent, onDamaged: silent, onCorrections: silent },
      corrections: new CorrectionsStore(dir, manifest()),
    },
    initialProgress,
    [],
  );
  await EventLog.prepare(bus);
  const events = new EventLog(bus, store, runId, silent);
  const owner = { runId, coordinatorId: runId, sitting: 1, address: coordinatorAddress };
  const leases = await Leases.open(bus, owner, silent);
  const tunnels = { reach: async () => Promise.reject(new Error("nobody calls")) };
  const links: WorkerLinks = new WorkerLinks({
    ...{
      runId,
      coordinatorAddress,
      setupDigest: "",
      wire: config.cluster.wire,
      trust: null,
      isInsecure: false,
      scratch,
      tunnels,
    },
  });
  const telemetry = { onWork: silent, inPhase: <T>(work: () => T) => work() };
  const { topology = "star", audit = 0 } = options;
  const [phase] = phasesOf(config, manifest());
  const start = { runId, workersMin: options.workers, allowMixed: false, audit, topology, fingerprint: null };
  const runtime = new RunRuntime(
    { bus, events, leases, links, results, runDir: dir, nowMs, telemetry, onStatus: silent },
    { ...start, workersMin: 1, plan: [phase!], phaseIndex: 0 },
  );
  const { imageMs = 0 } = options;
  let hasJoined = false;
  const onCommand: OnCommand = (worker, request) => {
    options.onCommand?.(worker, request);
    if (hasJoined || !options.joinsAt?.(request)) return;
    hasJoined = true;
    void spare.start(bus);
  };
  const workers = Array.from({ length: options.workers }, (_, i) => {
    return new TestWorker(
      `w${i + 1}`,
      config,
      { fault: options.faults?.[i] ?? "", imageMs },
      onCommand,
      options.onReply,
    );
  });
  const spare = new TestWorker("spare", config, { fault: "", imageMs }, options.onCommand ?? silent);
  const everybody = Promise.all(workers.map(({ attached }) => attached)).then(() => sleep(30));
  for (const worker of workers) worker.everybodyIsHere = everybody;
  const running = runtime.run();
  for (const worker of workers) await worker.start(bus);
  const outcome = await running;
  for (const worker of [...workers, spare]) worker.close();
  server.forceShutdown();
  await scratch.close();
  const lines = readFileSync(join(dir, "events.jsonl"), "utf8").trim().split("\n");
  rmSync(dir, { recursive: true, force: true });
  return {
    weightsSha256: results.progress.classifier?.digest,
    outcome: `${outcome.state}: ${outcome.reason}`,
    losses,
    events: lines.map((line) => JSON.parse(line) as RunEventRecord),
  };
}
