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
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import type { Wire } from "../../shared/math/wire.js";
import { blobBulk } from "../../shared/net/blob-lines.js";
import { blobHandlers, MemoryBlobs } from "../../shared/net/blobs.js";
import type { Bus } from "../../shared/net/bus.js";
import { listenOnOnePort } from "../../shared/net/one-port.js";
import { Blobs, serverOptions } from "../../shared/net/proto.js";
import type { RunEventRecord } from "../../shared/net/subjects.js";

import { manifest, type OnCommand, type OnReply, type Pretended, silent, TestWorker } from "./in-process-worker.js";

export const leafCount = 8;
export const steps = 5;

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
  readonly onReply?: OnReply;
  /** More than this goes to files. */
  readonly memoryBytes?: number;
  /** Pretended time per image, milliseconds. */
  readonly imageMs?: number;
  /** As of `Pretended`. */
  readonly pieceMs?: Pretended["pieceMs"];
  readonly breaks?: Pretended["breaks"];
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

function configOf({ topology, local, wire, audit = 0 }: RunOptions): RunConfig {
  const classifier = { steps, microBatches: leafCount, microBatchSize: 2 };
  const sync = local && { sync: "local", localSteps: local.steps, localReplicas: local.replicas };
  return runConfigSchema.parse({
    method: { classifier },
    cluster: { topology, wire, audit, checkpointSteps: 2, ...sync },
  });
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
  const bulk = { blob: { answer: blobBulk(blobs), roles: [] } };
  const port = await listenOnOnePort({ address: "127.0.0.1:0", trust: null, grpcServer: server, bulk });
  const coordinatorAddress = port.address;
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
  const { imageMs = 0, pieceMs, breaks } = options;
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
      { fault: options.faults?.[i] ?? "", imageMs, pieceMs, breaks },
      onCommand,
      options.onReply,
    );
  });
  const spare = new TestWorker("spare", config, { fault: "", imageMs, pieceMs, breaks }, options.onCommand ?? silent);
  const everybody = Promise.all(workers.map(({ attached }) => attached)).then(() => sleep(30));
  for (const worker of workers) worker.everybodyIsHere = everybody;
  const running = runtime.run();
  for (const worker of workers) await worker.start(bus);
  const outcome = await running;
  for (const worker of [...workers, spare]) worker.close();
  port.close();
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
