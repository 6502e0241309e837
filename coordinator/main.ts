/** Composition root of the coordinator: a new run, or one that goes on. */
import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { z } from "zod";
import { resolveConfig } from "../shared/config/resolve.js";
import { minedRounds } from "../shared/config/rounds.js";
import { type Manifest, manifestSchema } from "../shared/data/manifest.js";
import { type RunRecord, runFiles, type StageRecord } from "../shared/data/run-record.js";
import { AppError } from "../shared/errors.js";
import { seedgrowVersion } from "../shared/version.js";
import { type BackboneBytes, readBackbone } from "./adapters/backbone-files.js";
import { CorrectionsStore } from "./adapters/corrections-store.js";
import { deliverMasks, deliverModel } from "./adapters/deliver.js";
import { readJson, writeJson } from "./adapters/files.js";
import { indexData } from "./adapters/image-index.js";
import { writeReport } from "./adapters/report-writer.js";
import { lockRun } from "./adapters/run-lock.js";
import { RunStore } from "./adapters/run-store.js";
import { type RunConfig, runConfigSchema, runEnvPrefix } from "./config.js";
import type { DataProblem } from "./data/problems.js";
import { initialProgress, type Progress } from "./progress.js";
import { runSession, type SessionEnd, type SessionObserver } from "./session.js";
import type { TelemetryOptions } from "./telemetry.js";

export interface TrainObserver extends SessionObserver {
  readonly onIndex: (done: number, total: number) => void;
  readonly onProblems: (problems: readonly DataProblem[]) => void;
  readonly onStart: (run: { readonly runId: string; readonly runDir: string; readonly manifest: Manifest }) => void;
  /** A short sentence about what is being done outside the phases. */
  readonly onNote: (text: string) => void;
}

export interface WhereToRun {
  /** Workers to start on this machine; 0: use the cluster's. */
  readonly localWorkers: number;
  /** Null: start a broker (with local workers). */
  readonly natsUrl: string | null;
  /** Of this sitting; a resumed one says it anew. */
  readonly telemetry?: TelemetryOptions | undefined;
}

export interface TrainOptions extends WhereToRun {
  readonly dataPath: string;
  readonly valPath?: string | undefined;
  readonly masksPath?: string | undefined;
  readonly classes?: string[] | undefined;
  /** Folder, model.json or URL; "scratch": the built-in network. */
  readonly backbone: string;
  readonly config: RunConfig;
  /** Folder of runs. */
  readonly runsDir: string;
  /** argv, for the record. */
  readonly command: readonly string[];
}

export interface TrainSummary {
  readonly runId: string;
  readonly runDir: string;
  readonly weightsSha256: string | null;
  readonly seconds: number;
  readonly stages: readonly StageRecord[];
  readonly masks: number;
}

/** What a resumed run needs that is in no other file. */
const originSchema = z.object({
  backbone: z.string(),
  /** Photos and masks: digest -> absolute path. */
  files: z.record(z.string(), z.string()),
  natsUrl: z.string().nullable(),
  localWorkers: z.int(),
});
type Origin = z.infer<typeof originSchema>;

export async function train(
  options: TrainOptions,
  observer: TrainObserver,
  signal: AbortSignal,
): Promise<TrainSummary> {
  const { config } = options;
  const backbone = await readBackbone(options.backbone);
  const index = await indexData({
    ...options,
    ...config.data,
    onProgress: observer.onIndex,
    signal,
  });
  observer.onProblems(index.problems);
  const runId = newRunId(new Date());
  const store = new RunStore(resolve(join(options.runsDir, runId)));
  await store.create();
  const { manifest } = index;
  await store.writeManifest(manifest);
  const files = Object.fromEntries([...index.imagePaths, ...index.maskPaths]);
  const { natsUrl, localWorkers } = options;
  const backboneSource =
    options.backbone === "scratch" || /^https?:/.test(options.backbone) ? options.backbone : resolve(options.backbone);
  await writeJson(store.path("origin.json"), {
    backbone: backboneSource,
    files,
    natsUrl,
    localWorkers,
  } satisfies Origin);
  await writeJson(store.path(runFiles.masks), maskPaths(manifest, index.maskPaths));
  const record: RunRecord = {
    runId,
    createdAt: new Date().toISOString(),
    finishedAt: null,
    state: "running",
    command: [...options.command],
    seedgrowVersion,
    seed: config.seed,
    config,
    seconds: 0,
    weightsSha256: null,
    workers: [],
  };
  const run = {
    store,
    record,
    config,
    manifest,
    backbone,
    files: new Map(Object.entries(files)),
    progress: initialProgress,
  };
  return runToTheEnd(run, { localWorkers, natsUrl, telemetry: options.telemetry }, observer, signal);
}

export interface ResumeOptions extends Partial<WhereToRun> {
  /** "cluster.audit=0.1": what this and later sittings do otherwise. */
  readonly clusterSets: readonly string[];
  /** Go on to this many rounds, also when the run had ended before; earlier rounds stay as they are. */
  readonly rounds?: number | undefined;
}

export async function resumeRun(
  runDir: string,
  { clusterSets, rounds, ...where }: ResumeOptions,
  observer: TrainObserver,
  signal: AbortSignal,
): Promise<TrainSummary> {
  const store = new RunStore(resolve(runDir));
  const written = await store.readRecord();
  const origin = await readJson(store.path("origin.json"), originSchema);
  if (!origin) throw new AppError("CHECKPOINT_INVALID", `${store.dir} has no origin.json`);
  const base = resolveConfig(runConfigSchema, runEnvPrefix, { base: written.config, env: {}, sets: clusterSets });
  const manifest = manifestSchema.parse((await store.readManifest()).manifest);
  // What nobody could use is said before anything is started.
  await new CorrectionsStore(store.dir, manifest).read();
  const held = (await store.readProgress()) ?? initialProgress;
  const { config, progress } = extended(base, held, rounds);
  const backbone = await readBackbone(origin.backbone);
  const files = new Map(Object.entries(origin.files));
  const record = { ...written, config };
  const run = { store, record, config, manifest, backbone, files, progress };
  const { localWorkers, natsUrl } = { ...origin, ...where };
  return runToTheEnd(run, { localWorkers, natsUrl, telemetry: where.telemetry }, observer, signal);
}

/** More rounds than the run was begun with, or than its stop rule left it. @throws AppError USAGE */
function extended(config: RunConfig, progress: Progress, rounds: number | undefined) {
  const planned = progress.lastRound ?? config.method.rounds;
  if (rounds === undefined || rounds === planned) return { config, progress };
  if (rounds < planned) {
    throw new AppError("USAGE", `--rounds ${rounds} is less than the ${planned} rounds of the run`, {
      hint: `Name at least ${planned + 1} to go on.`,
    });
  }
  // As many rounds mine as did: how many may depends on how many there are.
  const mining = { ...config.method.mining, rounds: minedRounds(config.method) };
  return {
    config: { ...config, method: { ...config.method, mining, rounds } },
    progress: { ...progress, lastRound: null },
  };
}

interface OpenRun {
  readonly store: RunStore;
  readonly record: RunRecord;
  readonly config: RunConfig;
  readonly manifest: Manifest;
  readonly backbone: BackboneBytes | null;
  readonly files: ReadonlyMap<string, string>;
  readonly progress: Progress;
}

async function runToTheEnd(
  run: OpenRun,
  where: WhereToRun,
  observer: TrainObserver,
  signal: AbortSignal,
): Promise<TrainSummary> {
  const { store, record } = run;
  const unlock = await lockRun(store.dir);
  const startedMs = performance.now();
  const seconds = () => run.record.seconds + (performance.now() - startedMs) / 1000;
  try {
    await store.writeRecord({ ...record, state: "running", finishedAt: null });
    observer.onStart({ runId: record.runId, runDir: store.dir, manifest: run.manifest });
    const end = await sit(run, where, observer, signal);
    // The folder is the other coordinator's: what this one would write of itself is not the run's state.
    if (end.failure?.code === "LEASE_LOST") throw end.failure;
    observer.onNote("writing masks, model and report");
    const masks = end.outcome.state === "done" ? await deliver(run, end.progress) : 0;
    const closing = store.writeRecord(closingRecord(record, end, seconds())).then(() => writeReport(store.dir));
    if (end.outcome.state !== "done") {
      // Why the run ended is the news, not that its report could not be written either.
      await closing.catch(() => undefined);
      throw endError(record.runId, end);
    }
    await closing;
    const weightsSha256 = end.progress.segmenter?.digest ?? null;
    const { runId } = record;
    return { runId, runDir: store.dir, weightsSha256, seconds: seconds(), stages: await store.readStages(), masks };
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code === "LEASE_LOST") throw error;
    const state = error.code === "INTERRUPTED" ? "stopped" : "failed";
    await store
      .writeRecord({ ...(await store.readRecord()), state, finishedAt: new Date().toISOString() })
      .catch(() => undefined);
    throw error;
  } finally {
    await unlock();
  }
}

async function sit(run: OpenRun, where: WhereToRun, observer: TrainObserver, signal: AbortSignal): Promise<SessionEnd> {
  const { store, record } = run;
  const manifestBytes = (await store.readManifest()).bytes;
  const stages = await store.readStages();
  let reporting: Promise<unknown> = Promise.resolve();
  const end = await runSession({
    ...run,
    localWorkers: where.localWorkers,
    natsUrl: where.natsUrl,
    telemetry: where.telemetry,
    runId: record.runId,
    manifestBytes,
    stages,
    signal,
    observer: {
      ...observer,
      onStage: (stage) => {
        observer.onStage(stage);
        // The report grows with the run; a picture that cannot be drawn must not stop training.
        reporting = reporting.then(() => writeReport(store.dir)).catch(() => undefined);
      },
    },
  });
  await reporting;
  return end;
}

async function deliver(run: OpenRun, progress: Progress): Promise<number> {
  const { store, record, config, manifest, backbone } = run;
  await deliverModel(store, { runId: record.runId, config, classes: manifest.classes }, progress, backbone);
  return deliverMasks(store, manifest, progress);
}

function closingRecord(record: RunRecord, end: SessionEnd, seconds: number): RunRecord {
  return {
    ...record,
    state: end.outcome.state,
    finishedAt: new Date().toISOString(),
    seconds,
    weightsSha256: end.progress.segmenter?.digest ?? null,
    workers: [...end.workers],
  };
}

function endError(runId: string, { outcome, failure }: SessionEnd): AppError {
  if (failure) return failure;
  if (outcome.state === "failed") return new AppError("WORK_FAILED", outcome.reason);
  return new AppError("INTERRUPTED", `run ${runId} is stopped: ${outcome.reason}`, {
    hint: `\`seedgrow resume ${runId}\` goes on from the last finished phase.`,
  });
}

function maskPaths(manifest: Manifest, paths: ReadonlyMap<string, string>): Record<string, string> {
  const entries = manifest.train.images.flatMap(({ maskDigest }, image) => {
    const path = maskDigest === null ? undefined : paths.get(maskDigest);
    return path === undefined ? [] : [[String(image), resolve(path)] as const];
  });
  return Object.fromEntries(entries);
}

/** "20261122-143005-a1b2": sorts by time, and two runs of one second differ. */
function newRunId(now: Date): string {
  const stamp = now.toISOString().replace(/[-:]/g, "").replace("T", "-").slice(0, 15);
  return `${stamp}-${randomBytes(2).toString("hex")}`;
}
