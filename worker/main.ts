/** Composition root of the worker: config -> adapters -> runtime; signals -> graceful stop. */
import { hostname } from "node:os";
import { join } from "node:path";
import type * as grpc from "@grpc/grpc-js";
import type { AppError } from "../shared/errors.js";
import { drainPatienceMs } from "../shared/limits.js";
import { type Bus, connectBus } from "../shared/net/bus.js";
import { openServer } from "../shared/net/credentials.js";
import { announced, requirePrivate } from "../shared/net/exposure.js";
import { listenOnOnePort } from "../shared/net/one-port.js";
import type { WorkerBeat } from "../shared/net/subjects.js";
import { certsDir, type Trust, trustIn } from "../shared/net/trust.js";
import { tunnelAddress } from "../shared/net/tunnel.js";
import { openLog } from "../shared/observe/log.js";
import { serveMetrics } from "../shared/observe/metrics-server.js";
import { cacheDir } from "../shared/tool-paths.js";
import { protocolVersion, seedgrowVersion } from "../shared/version.js";
import { workerAccess } from "./access.js";
import { BlobCache } from "./adapters/blob-cache.js";
import { CallHome } from "./adapters/call-home.js";
import { WorkerHealth } from "./adapters/health.js";
import { openRun } from "./adapters/open-run.js";
import { PixelCache } from "./adapters/pixel-cache.js";
import { ThreadPixelWriter } from "./adapters/pixel-writer.js";
import { startPresence } from "./adapters/presence.js";
import { watchStanding } from "./adapters/standing.js";
import { WorkerMetrics } from "./adapters/worker-metrics.js";
import { collectOnlyWhenFull } from "./collector.js";
import { ComputeClient } from "./compute/client.js";
import { EngineKeeper } from "./compute/keeper.js";
import type { ThreadData } from "./compute/messages.js";
import type { WorkerConfig } from "./config.js";
import { WorkerMemory } from "./exchange/worker-memory.js";
import { StepThreads } from "./optimizer/helpers.js";
import { WorkerRuntime } from "./runtime.js";
import { addServices, workerBulk } from "./services.js";

export interface RunWorkerOptions {
  /** End when standard input ends: a local worker never outlives its starter. */
  readonly exitWithParent: boolean;
}

/** Runs until a signal. @throws AppError when it cannot start. */
export async function runWorker(config: WorkerConfig, options: RunWorkerOptions): Promise<void> {
  collectOnlyWhenFull();
  const closers: (() => Promise<unknown>)[] = [];
  const stopped = untilStopped(options.exitWithParent);
  try {
    const { drain, died } = await start(config, closers);
    // Asked to leave: the piece in hand is finished. Starter gone, or asked twice: at once.
    if ((await Promise.race([stopped, died])) === "asked")
      await Promise.race([drain(), untilStopped(options.exitWithParent)]);
  } finally {
    for (const close of closers.reverse()) await close().catch(() => undefined);
    process.stdin.destroy();
  }
}

interface Started {
  /** Rejects when the engine is gone, or nobody listens any more. Whoever started the worker starts it again; the coordinator gives its work to others. */
  readonly died: Promise<never>;
  readonly drain: () => Promise<void>;
}

async function openTrust(config: WorkerConfig, closers: (() => Promise<unknown>)[]): Promise<Trust | null> {
  const trust = await trustIn(certsDir(config.certs, process.env), ["worker", "coordinator"]);
  closers.push(async () => trust?.revocations.close());
  requirePrivate({ "--listen": config.listen, "--advertise": config.advertise }, trust !== null, config.insecure);
  const { nats, metrics } = config;
  // A port alone is one on loopback.
  const open = { "--nats": nats, "--metrics": metrics.includes(":") ? metrics : "" };
  requirePrivate(open, trust !== null, config.insecure);
  return trust;
}

async function start(config: WorkerConfig, closers: (() => Promise<unknown>)[]): Promise<Started> {
  const log = openLog("worker");
  const trust = await openTrust(config, closers);
  const { insecure: isInsecure } = config;
  if (config.otlp !== "") {
    const { startTracing } = await import("../shared/observe/otlp.js");
    closers.push(await startTracing(config.otlp, "seedgrow-worker"));
  }
  const compute = await EngineKeeper.start({
    start: () => ComputeClient.start(engineOf(config)),
    nowMs: () => performance.now(),
    log: (message) => log.warn(message),
  });
  closers.push(() => compute.close());
  log.info({ engine: compute.engine }, `engine ${compute.engine.name}: ${compute.engine.reason}`);
  const connect = { url: config.nats, name: "seedgrow-worker", trust, isInsecure };
  const bus = await connectBus(connect);
  closers.push(() => closeBus(bus));
  const warn = (text: string, fields: Record<string, unknown>) => log.warn(fields, text);
  const standing = watchStanding({ bus, connect, trust, warn, nowMs: Date.now });
  closers.push(async () => standing.stop());
  const cacheFolder = config.cache || join(cacheDir(process.env), "blobs");
  const cache = new BlobCache(cacheFolder);
  const kept = config.diskMb === 0 ? null : openPixelCache(join(cacheFolder, "pixels"), config, warn, closers);
  const dataPlace = config.data || null;
  const memoryBytesMax = config.memoryMb * 1024 * 1024;
  const memory = new WorkerMemory();
  const helpers = new StepThreads(config.threads);
  closers.push(() => helpers.close());
  const logged = (message: string, fields?: object) => log.info(fields ?? {}, message);
  const runtime = new WorkerRuntime({
    nowMs: () => performance.now(),
    openRun: (request) =>
      openRun(
        { bus, compute, helpers, cache, memory, kept, dataPlace, memoryBytesMax, trust, isInsecure, log: logged },
        request,
      ),
    log: logged,
    onJob: (job, outcome) => metrics?.onJob(job, outcome),
  });
  const metrics = config.metrics === "" ? null : await openMetrics(config, trust, { compute, runtime }, closers);
  const health = new WorkerHealth();
  const server = createServer(runtime, health, trust);
  const served = { trust, grpcServer: server, bulk: workerBulk(runtime) };
  const { address, close } = await listenOnOnePort({ address: config.listen, ...served });
  closers.push(async () => close());
  const beat = () => describe(config, compute, runtime, address);
  const { workerId } = beat();
  const home = config.push ? new CallHome({ workerId, ownAddress: address, trust, isInsecure, log: logged }) : null;
  closers.push(async () => home?.close());
  const { stop: stopPresence, announce } = await startPresence({
    bus,
    workerId,
    beat,
    onRenewed: (coordinatorAddress) => {
      if (coordinatorAddress !== null) home?.hear(coordinatorAddress);
      runtime.renewed();
    },
  });
  const ticker = setInterval(() => runtime.tick(), 1_000);
  closers.push(async () => {
    clearInterval(ticker);
    stopPresence();
    runtime.close();
  });
  if (config.health !== "") closers.push(await health.serve(config.health));
  log.info({ workerId, address }, "ready");
  const drain = async () => {
    log.info("draining: finishing the piece in hand");
    health.drain();
    const draining = runtime.drain(drainPatienceMs);
    announce();
    await draining;
  };
  return { drain, died: Promise.race([compute.ended, standing.ended]) };
}

function openPixelCache(
  dir: string,
  { diskMb }: WorkerConfig,
  warn: (text: string, fields: Record<string, unknown>) => void,
  closers: (() => Promise<unknown>)[],
): PixelCache {
  const nowMs = () => performance.now();
  const onTrouble = ({ code, message, hint }: AppError) => warn(message, { code, next: hint });
  const writer = new ThreadPixelWriter({ dir, bytesMax: diskMb * 1024 * 1024 }, onTrouble, nowMs);
  closers.push(() => writer.close());
  return new PixelCache(dir, writer, nowMs);
}

async function openMetrics(
  config: WorkerConfig,
  trust: Trust | null,
  { compute, runtime }: { readonly compute: EngineKeeper; readonly runtime: WorkerRuntime },
  closers: (() => Promise<unknown>)[],
): Promise<WorkerMetrics> {
  const { version, device } = compute.engine;
  const asked = { isLeased: () => runtime.runId !== null, engineLosses: () => compute.losses.count };
  const metrics = new WorkerMetrics({ worker: nameOf(config), engine: version, device }, asked);
  closers.push((await serveMetrics(metrics.registry, config.metrics, { trust, isInsecure: config.insecure })).close);
  return metrics;
}

function nameOf({ id }: WorkerConfig): string {
  return id || `${hostname().replace(/[^A-Za-z0-9_-]/g, "-")}-${process.pid}`;
}

function engineOf({ engine, threads, gpu, ...knobs }: WorkerConfig): ThreadData {
  if (engine !== "simulated") return { engine, threads, gpu };
  const { simulatedImageMs, simulatedJitter, simulatedParams, simulatedFault } = knobs;
  const simulated = {
    imageMs: simulatedImageMs,
    jitter: simulatedJitter,
    parameters: simulatedParams,
    fault: simulatedFault,
  };
  return { engine, threads, simulated };
}

function createServer(runtime: WorkerRuntime, health: WorkerHealth, trust: Trust | null): grpc.Server {
  const server = openServer({ trust, access: workerAccess });
  addServices(server, runtime);
  health.answerOn(server);
  return server;
}

function describe(config: WorkerConfig, compute: EngineKeeper, runtime: WorkerRuntime, address: string): WorkerBeat {
  const { version, device, fingerprint } = compute.engine;
  return {
    workerId: nameOf(config),
    protocolVersion,
    seedgrowVersion,
    host: hostname(),
    pid: process.pid,
    address: config.push ? tunnelAddress : announced(config.advertise, address),
    engine: version,
    device,
    fingerprint,
    threads: config.threads,
    leasedBy: runtime.runId,
    state: runtime.state,
    rssBytes: process.memoryUsage.rss(),
    tensors: runtime.tensors,
    engineLosses: compute.losses,
  };
}

function untilStopped(exitWithParent: boolean): Promise<"asked" | "orphaned"> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve("asked"));
    const orphaned = () => resolve("orphaned");
    if (exitWithParent) process.stdin.on("end", orphaned).on("error", orphaned).resume();
  });
}

/** A broker that is gone already must not keep the worker from ending. */
async function closeBus(bus: Bus): Promise<void> {
  await Promise.race([bus.connection.close(), new Promise((resolve) => setTimeout(resolve, 1_000))]);
}
