/** A run's folder, runs/<id>/: the truth about the run. Everything on the bus can be rebuilt from it. */
import { mkdir, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import { type Manifest, manifestSchema } from "../../shared/data/manifest.js";
import { type ParamSpecs, paramCount, paramSpecsSchema } from "../../shared/data/param-specs.js";
import {
  type EllipseRecord,
  ellipseRecordSchema,
  type RunRecord,
  runFiles,
  runRecordSchema,
  type StageRecord,
  stageRecordsSchema,
} from "../../shared/data/run-record.js";
import { AppError } from "../../shared/errors.js";
import { checkpointsKept } from "../../shared/limits.js";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { checkpointName, checkpointsNewestFirst, checkpointsToDelete } from "../core/checkpoint.js";
import { type LedgerEntry, ledgerEntrySchema } from "../core/ledger.js";
import {
  ledgerName,
  ledgerShard,
  nextSitting,
  progressName,
  progressNewestFirst,
  sittingName,
} from "../core/positions.js";
import { type Progress, progressSchema } from "../progress.js";
import { CappedLog } from "./capped-log.js";
import { createExclusively, readJson, writeFileDurably, writeJson } from "./files.js";
import type { Scratch } from "./scratch.js";
import { encodePoint, readPoint, type TrainingPoint } from "./training-point.js";

export class RunStore {
  private readonly events: CappedLog;
  /** Null: only read. */
  private sitting: number | null = null;

  constructor(readonly dir: string) {
    this.events = new CappedLog(join(dir, "events.jsonl"));
  }

  path(...parts: readonly string[]): string {
    return join(this.dir, ...parts);
  }

  async create(): Promise<void> {
    await mkdir(this.path("logs"), { recursive: true });
  }

  async writeRecord(record: RunRecord): Promise<void> {
    await writeJson(this.path(runFiles.run), record);
  }

  async readRecord(): Promise<RunRecord> {
    const record = await readJson(this.path(runFiles.run), runRecordSchema);
    if (!record) throw new AppError("RUN_NOT_FOUND", `${this.dir} is not a run (it has no ${runFiles.run})`);
    return record;
  }

  async writeManifest(manifest: Manifest): Promise<Uint8Array> {
    const bytes = Buffer.from(JSON.stringify(manifest));
    await writeFileDurably(this.path(runFiles.manifest), bytes);
    return bytes;
  }

  async readManifest(): Promise<{ manifest: Manifest; bytes: Uint8Array }> {
    const manifest = await readJson(this.path(runFiles.manifest), manifestSchema);
    if (!manifest) throw new AppError("CHECKPOINT_INVALID", `${this.dir} has no ${runFiles.manifest}`);
    return { manifest, bytes: await readFile(this.path(runFiles.manifest)) };
  }

  async writeStages(stages: readonly StageRecord[]): Promise<void> {
    await writeJson(this.path(runFiles.stages), stages);
  }

  async readStages(): Promise<StageRecord[]> {
    return (await readJson(this.path(runFiles.stages), stageRecordsSchema)) ?? [];
  }

  async writeEllipse(record: EllipseRecord): Promise<void> {
    await writeJson(this.path(runFiles.ellipse), record);
  }

  async readEllipse(): Promise<EllipseRecord> {
    return (await readJson(this.path(runFiles.ellipse), ellipseRecordSchema)) ?? { train: null, val: null };
  }

  /** Counts a sitting of the run. Created exclusively: two coordinators that begin at once get different numbers. */
  async claimSitting(coordinatorId: string): Promise<number> {
    await mkdir(this.path("progress"), { recursive: true });
    for (;;) {
      const sitting = nextSitting(await this.progressFiles());
      const path = this.path("progress", sittingName(sitting));
      if (!(await createExclusively(path, coordinatorId))) continue;
      this.sitting = sitting;
      return sitting;
    }
  }

  /**
   * @throws AppError LEASE_LOST when another coordinator has begun a sitting since: it may have come and gone while this one was
   * frozen, and left workers to be taken again.
   */
  async writeProgress(progress: Progress): Promise<void> {
    const newest = nextSitting(await this.progressFiles()) - 1;
    if (this.sitting !== null && newest > this.sitting)
      throw new AppError("LEASE_LOST", `another coordinator (sitting ${newest}) has gone on with this run`);
    await writeJson(this.path("progress", progressName(progress.phasesDone)), progress);
  }

  /**
   * The furthest that is whole; null before the first phase is complete.
   * @throws AppError CHECKPOINT_INVALID when there are some and none is whole.
   */
  async readProgress(): Promise<Progress | null> {
    let damaged: unknown = null;
    for (const name of progressNewestFirst(await this.progressFiles())) {
      try {
        return await readJson(this.path("progress", name), progressSchema);
      } catch (error) {
        damaged ??= error;
      }
    }
    if (damaged !== null) throw damaged;
    return null;
  }

  private async progressFiles(): Promise<string[]> {
    return readdir(this.path("progress")).catch(() => []);
  }

  /** A position inside a training phase. Older ones that nobody needs any more are deleted. */
  async writeTrainingPoint(point: TrainingPoint, donePhases: readonly string[]): Promise<void> {
    const { phase, nextStep } = point;
    const dir = this.path("checkpoints");
    await writeFileDurably(join(dir, checkpointName(phase, nextStep)), await encodePoint(point));
    const stale = checkpointsToDelete(await readdir(dir), { phase, done: donePhases }, checkpointsKept);
    await Promise.all(stale.map((name) => rm(join(dir, name), { force: true })));
  }

  /** The newest whole checkpoint of the phase; `onDamaged` hears of those that are passed over. */
  async readTrainingPoint(
    phase: string,
    scratch: Scratch,
    onDamaged: (name: string) => void,
  ): Promise<TrainingPoint | null> {
    const dir = this.path("checkpoints");
    const names = await readdir(dir).catch(() => []);
    for (const name of checkpointsNewestFirst(names, phase)) {
      const point = await readPoint(join(dir, name), scratch);
      if (point) return point;
      onDamaged(name);
    }
    return null;
  }

  async writeLedger(phase: string, shard: number, entry: LedgerEntry): Promise<void> {
    await writeJson(this.path("ledger", phase, ledgerName(shard)), entry);
  }

  /** [shard, entry]; those that are damaged are left out. */
  async readLedger(phase: string): Promise<[number, LedgerEntry][]> {
    const names = await readdir(this.path("ledger", phase)).catch(() => []);
    const entries = names.map(async (name): Promise<[number, LedgerEntry][]> => {
      const shard = ledgerShard(name);
      const entry = await readJson(this.path("ledger", phase, name), ledgerEntrySchema).catch(() => null);
      return shard === null || entry === null ? [] : [[shard, entry]];
    });
    return (await Promise.all(entries)).flat();
  }

  /** Of a phase whose end is durable. */
  async deleteLedger(phase: string): Promise<void> {
    await rm(this.path("ledger", phase), { recursive: true, force: true });
  }

  /** Parameters and their layout, by digest. */
  async writeCheckpoint(digest: Digest, values: Uint8Array, specs: ParamSpecs): Promise<void> {
    await writeFileDurably(this.path("checkpoints", `${digest}.f32`), values);
    await writeJson(this.path("checkpoints", `${digest}.json`), specs);
  }

  /** @throws AppError CHECKPOINT_INVALID when the file is missing, torn or altered. */
  async readCheckpoint(digest: Digest): Promise<{ values: Uint8Array; specs: ParamSpecs }> {
    const values = await this.readBlob(join("checkpoints", `${digest}.f32`), digest);
    const specs = await readJson(this.path("checkpoints", `${digest}.json`), paramSpecsSchema);
    if (!specs) throw new AppError("CHECKPOINT_INVALID", `checkpoint ${digest} has no layout`);
    if (values.byteLength !== paramCount(specs) * 4) {
      throw new AppError(
        "CHECKPOINT_INVALID",
        `checkpoint ${digest} has ${values.byteLength} bytes, its layout more or less`,
      );
    }
    return { values, specs };
  }

  async writePack(relativePath: string, bytes: Uint8Array): Promise<void> {
    await writeFileDurably(this.path(relativePath), bytes);
  }

  /** A file whose digest is known. @throws AppError CHECKPOINT_INVALID */
  async readBlob(relativePath: string, digest: Digest): Promise<Uint8Array> {
    const bytes = await readFile(this.path(relativePath)).catch((cause: unknown) => {
      throw new AppError("CHECKPOINT_INVALID", `cannot read ${this.path(relativePath)}`, { cause });
    });
    if (sha256(bytes) === digest) return bytes;
    throw new AppError("CHECKPOINT_INVALID", `${this.path(relativePath)} is damaged: its digest is not ${digest}`);
  }

  /** The log for machines; losing the last line in a power cut loses nothing that training needs. */
  async appendEvent(record: RunEventRecord): Promise<void> {
    await this.events.append(`${JSON.stringify(record)}\n`);
  }
}

export interface ListedRun {
  readonly dir: string;
  readonly record: RunRecord;
  readonly stages: readonly StageRecord[];
}

/** Every run below `runsDir`, newest first; folders that are none are passed over. */
export async function listRuns(runsDir: string): Promise<ListedRun[]> {
  const names = await readdir(runsDir).catch(() => []);
  const runs: ListedRun[] = [];
  for (const name of names) {
    const store = new RunStore(join(runsDir, name));
    try {
      runs.push({ dir: store.dir, record: await store.readRecord(), stages: await store.readStages() });
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
    }
  }
  return runs.sort((a, b) => b.record.createdAt.localeCompare(a.record.createdAt));
}

/** RUN as people name it: a folder, an id, the start of an id, or "latest". @throws AppError RUN_NOT_FOUND */
export async function findRun(runsDir: string, name: string): Promise<string> {
  if (await stat(join(name, runFiles.run)).catch(() => null)) return name;
  const runs = await listRuns(runsDir);
  const matches = name === "latest" ? runs.slice(0, 1) : runs.filter(({ record }) => record.runId.startsWith(name));
  if (matches.length === 1) return matches[0]!.dir;
  const exact = matches.find(({ record }) => record.runId === name);
  if (exact) return exact.dir;
  const found = matches.length === 0 ? "no run" : `${matches.length} runs`;
  throw new AppError("RUN_NOT_FOUND", `${found} named "${name}" in ${runsDir}`);
}
