/** One sitting of a run: broker, workers, blob server, runtime; from wherever the run stands to its end. */
import { randomUUID } from "node:crypto";
import type { Digest } from "../shared/codec/digest.js";
import type { Manifest } from "../shared/data/manifest.js";
import type { StageRecord } from "../shared/data/run-record.js";
import type { RunSetup } from "../shared/data/run-setup.js";
import { AppError } from "../shared/errors.js";
import { blobBulk } from "../shared/net/blob-lines.js";
import { blobHandlers, firstOf, MemoryBlobs } from "../shared/net/blobs.js";
import { type Bus, connectBus } from "../shared/net/bus.js";
import { openServer } from "../shared/net/credentials.js";
import { announced, requirePrivate } from "../shared/net/exposure.js";
import { listenOnOnePort } from "../shared/net/one-port.js";
import { Blobs, Tunnel } from "../shared/net/proto.js";
import type { RunEventRecord, RunStatus } from "../shared/net/subjects.js";
import { certsDir, type Trust, trustIn } from "../shared/net/trust.js";
import type { BackboneBytes } from "./adapters/backbone-files.js";
import { onReconnect } from "./adapters/bus-repair.js";
import { listenForControl } from "./adapters/control.js";
import { CorrectionsStore } from "./adapters/corrections-store.js";
import { EventLog, publishStatus } from "./adapters/event-log.js";
import { FileBlobs } from "./adapters/file-blobs.js";
import { broadcastLabels } from "./adapters/label-broadcast.js";
import { Leases } from "./adapters/leases.js";
import { announceLive, type BusPlace } from "./adapters/live-run.js";
import { startLocalWorkers } from "./adapters/local-workers.js";
import { startNats } from "./adapters/nats-server.js";
import { openFilesLimit, workersLimit } from "./adapters/open-files.js";
import type { RunStore } from "./adapters/run-store.js";
import { Scratch } from "./adapters/scratch.js";
import { Tunnels } from "./adapters/tunnels.js";
import { WorkerLinks } from "./adapters/worker-links.js";
import type { RunConfig } from "./config.js";
import type { Outcome } from "./core/events.js";
import { phasesOf } from "./phases.js";
import type { Progress } from "./progress.js";
import { RunResults } from "./results.js";
import type { ResultsDeps } from "./results-deps.js";
import { RunRuntime } from "./runtime.js";
import { isCurvePoint, stageEvent, stepEvent } from "./stage-book.js";
import { openTelemetry, type TelemetryOptions } from "./telemetry.js";

export interface SessionObserver {
  readonly onStatus: (status: RunStatus) => void;
  readonly onEvent: (record: RunEventRecord) => void;
  readonly onStage: (record: StageRecord) => void;
}

export interface SessionOptions {
  readonly runId: string;
  readonly config: RunConfig;
  readonly store: RunStore;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array;
  /** Photos and masks on this machine, by digest. */
  readonly files: ReadonlyMap<Digest, string>;
  readonly backbone: BackboneBytes | null;
  readonly progress: Progress;
  readonly stages: readonly StageRecord[];
  /** Workers to start here; 0: use those that beat on `natsUrl`. */
  readonly localWorkers: number;
  /** Null: a broker of our own. */
  readonly natsUrl: string | null;
  readonly telemetry?: TelemetryOptions | undefined;
  readonly observer: SessionObserver;
  readonly signal: AbortSignal;
}

export interface SessionEnd {
  readonly outcome: Outcome;
  readonly failure: AppError | null;
  readonly progress: Progress;
  readonly workers: readonly { readonly id: string; readonly host: string; readonly engine: string }[];
}

export async function runSession(options: SessionOptions): Promise<SessionEnd> {
  const closers: (() => Promise<unknown>)[] = [];
  try {
    return await runWithin(options, closers);
  } finally {
    // Last started, first stopped; one that fails to stop must not keep the others running.
    for (const close of closers.reverse()) await close().catch(() => undefined);
  }
}

async function runWithin(options: SessionOptions, closers: (() => Promise<unknown>)[]): Promise<SessionEnd> {
  const { store, config, runId, signal } = options;
  const { trust, ...security } = await openTrust(options, closers);
  const { isInsecure } = security;
  const telemetry = await openTelemetry({ ...options.telemetry, trust, isInsecure }, runId, store);
  closers.push(telemetry.close);
  const natsUrl = options.natsUrl ?? (await ownBroker(options, closers));
  const { replicas } = config.cluster;
  const name = `seedgrow-coordinator-${runId}`;
  const bus = await connectBus({ url: natsUrl, name, trust, isInsecure, replicas });
  closers.push(() => bus.connection.close());
  closers.push(await announceLive(store.dir, { natsUrl, ...security }));
  await EventLog.prepare(bus);
  void onReconnect(bus, () => EventLog.prepare(bus));
  const blobs = new MemoryBlobs();
  const tunnels = await Tunnels.open();
  closers.push(() => tunnels.close());
  const address = await serve(options, { blobs, tunnels }, trust, closers);
  const events = new EventLog(bus, store, runId, (record) => {
    telemetry.onEvent(record);
    options.observer.onEvent(record);
  });
  const scratch = new Scratch(store.path("scratch"), config.cluster.memoryModelMb * 1024 * 1024);
  const pullState: ResultsDeps["pullState"] = (workerId, output) => links.pullState(workerId, output);
  const memory = { blobs, scratch, pullState };
  const results = openResults(options, memory, { bus, events }, (loss) => runtime.noteLoss(loss));
  closers.push(() => scratch.close());
  const start = startOptions(options);
  const position = await results.restore(start.plan);
  const coordinatorId = randomUUID();
  const coordinatorAddress = announced(config.cluster.advertise, address);
  const sitting = await store.claimSitting(coordinatorId);
  const owner = { runId, coordinatorId, sitting, address: coordinatorAddress };
  const leases = await Leases.open(bus, owner, (reason) => runtime.fail(new AppError("LEASE_LOST", reason)));
  const setupDigest = putSetup(options, blobs);
  const links: WorkerLinks = new WorkerLinks({
    runId,
    coordinatorAddress,
    setupDigest,
    wire: config.cluster.wire,
    trust,
    isInsecure,
    scratch,
    tunnels,
  });
  const nowMs = () => performance.now();
  const onStatus = (status: RunStatus) => {
    telemetry.onStatus(status);
    options.observer.onStatus(status);
  };
  const runtime: RunRuntime = new RunRuntime(
    { bus, events, leases, links, results, runDir: store.dir, nowMs, onStatus, telemetry },
    { ...start, ...position },
  );
  closers.push(await listenForControl(bus, runId, (reason) => runtime.stop(reason)));
  if (options.localWorkers > 0) startWorkers(options, { natsUrl, ...security }, { events, runtime }, closers);
  const interrupt = () => runtime.stop("interrupted");
  signal.addEventListener("abort", interrupt, { once: true });
  if (signal.aborted) interrupt();
  const outcome = await telemetry.inPhase(() => runtime.run());
  signal.removeEventListener("abort", interrupt);
  await publishStatus(bus, { ...runtime.status(), state: outcome.state, reason: outcome.reason });
  const workers = [...runtime.beats.values()].map(({ beat: { workerId, host, engine } }) => ({
    id: workerId,
    host,
    engine,
  }));
  return { outcome, failure: runtime.failure, progress: results.progress, workers };
}

/** A broker of our own is on loopback, as is all that can reach it: certificates are for a cluster's. */
async function openTrust({ config, natsUrl }: SessionOptions, closers: (() => Promise<unknown>)[]) {
  const { insecure: isInsecure, listen, advertise } = config.cluster;
  const certs = natsUrl === null ? "" : certsDir(config.cluster.certs, process.env);
  const trust = await trustIn(certs, ["coordinator"]);
  closers.push(async () => trust?.revocations.close());
  requirePrivate({ "cluster.listen": listen, "cluster.advertise": advertise }, trust !== null, isInsecure);
  return { trust, certs, isInsecure };
}

async function ownBroker({ store }: SessionOptions, closers: (() => Promise<unknown>)[]): Promise<string> {
  const nats = await startNats(store.path("nats", randomUUID().slice(0, 8)), store.path("logs", "nats.log"));
  closers.push(nats.stop);
  return nats.url;
}

async function serve(
  { config, files }: SessionOptions,
  { blobs, tunnels }: { readonly blobs: MemoryBlobs; readonly tunnels: Tunnels },
  trust: Trust | null,
  closers: (() => Promise<unknown>)[],
): Promise<string> {
  const callers = ["worker", "coordinator"] as const;
  const server = openServer({ trust, access: { "seedgrow.v1.Blobs": callers, "seedgrow.v1.Tunnel": callers } });
  server.addService(Tunnel.service, tunnels.handlers());
  const source = firstOf(blobs, new FileBlobs(files));
  server.addService(Blobs.service, blobHandlers(source));
  const bulk = { blob: { answer: blobBulk(source), roles: callers } };
  const port = await listenOnOnePort({ address: config.cluster.listen, trust, grpcServer: server, bulk });
  closers.push(async () => port.close());
  return port.address;
}

function openResults(
  options: SessionOptions,
  memory: { blobs: MemoryBlobs; scratch: Scratch; pullState: ResultsDeps["pullState"] },
  { bus, events }: { bus: Bus; events: EventLog },
  onLoss: (loss: number) => void,
): RunResults {
  const { config, manifest, store, observer, runId } = options;
  return new RunResults(
    {
      config,
      manifest,
      store,
      ...memory,
      broadcast: async (version, digest, packs) => {
        // Workers that find no pack on the bus pull it from here: slower, not wrong.
        await broadcastLabels(bus, runId, version, digest, packs).catch((error: unknown) => {
          events.append({ kind: "broadcast-failed", version, reason: String(error) });
        });
      },
      nowMs: () => performance.now(),
      onStep: (phase, step, loss) => {
        onLoss(loss);
        if (isCurvePoint(step, phase.steps)) events.append(stepEvent(phase, step, loss));
      },
      onStage: (stage) => {
        events.append(stageEvent(stage));
        observer.onStage(stage);
      },
      corrections: new CorrectionsStore(store.dir, manifest),
      onCorrections: (record) => {
        events.append({ kind: "refused" in record ? "corrections-refused" : "corrections-applied", ...record });
      },
      onRefused: (record) => events.append({ kind: "round-refused", ...record }),
      onDamaged: (name) => events.append({ kind: "checkpoint-damaged", name }),
    },
    options.progress,
    options.stages,
  );
}

/** What workers pull when they attach. */
function putSetup(options: SessionOptions, blobs: MemoryBlobs): Digest {
  const { backbone, config, manifest, runId } = options;
  const setup: RunSetup = {
    runId,
    seed: config.seed,
    method: config.method,
    wire: config.cluster.wire,
    classes: manifest.classes,
    manifestDigest: blobs.put(options.manifestBytes),
    backbone: backbone && {
      modelJson: blobs.put(backbone.modelJson),
      weights: blobs.put(backbone.weights),
      sidecar: backbone.sidecar && blobs.put(backbone.sidecar),
    },
  };
  return blobs.put(Buffer.from(JSON.stringify(setup)));
}

function startOptions({ runId, config, manifest, progress }: SessionOptions) {
  const plan = phasesOf(config, manifest, progress.lastRound ?? undefined);
  const { workersMin, workersMax, allowMixed, audit, topology } = config.cluster;
  const { fingerprint, phasesDone } = progress;
  const limit = Math.min(workersMax, workersLimit(openFilesLimit()));
  return {
    runId,
    workersMin,
    workersLimit: limit,
    allowMixed,
    audit,
    topology,
    fingerprint,
    plan,
    phaseIndex: phasesDone,
  };
}

function startWorkers(
  options: SessionOptions,
  bus: BusPlace,
  { events, runtime }: { events: EventLog; runtime: RunRuntime },
  closers: (() => Promise<unknown>)[],
): void {
  const { store, config, manifest } = options;
  const workers = startLocalWorkers({
    count: options.localWorkers,
    ...bus,
    threads: config.cluster.threads,
    otlp: options.telemetry?.otlp,
    dataDir: manifest.train.root,
    logPath: (index) => store.path("logs", `worker-${index}.log`),
    onExit: (index, code, willRestart) => {
      const log = store.path("logs", `worker-${index}.log`);
      events.append({ kind: "local-worker-exited", index, code, willRestart, log });
    },
    onAllGone: () => {
      const log = store.path("logs", "worker-1.log");
      runtime.fail(new AppError("NO_WORKERS", "every local worker has ended", { hint: `Their logs say why: ${log}` }));
    },
  });
  closers.push(workers.stop);
}
