/** A run's folder, runs/<id>/: the truth about the run. Everything on the bus can be rebuilt from it. */
import { appendFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import { type Manifest, manifestSchema } from "../../shared/data/manifest.js";
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
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { type Progress, progressSchema } from "../progress.js";
import { readJson, writeFileDurably, writeJson } from "./files.js";

const specsSchema = z.array(
  z.object({
    name: z.string(),
    shape: z.array(z.int()),
    learningRateScale: z.number(),
    weightDecay: z.boolean(),
  }),
);
export type ParamSpecs = z.infer<typeof specsSchema>;

export class RunStore {
  constructor(readonly dir: string) {}

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

  async writeProgress(progress: Progress): Promise<void> {
    await writeJson(this.path("progress.json"), progress);
  }

  async readProgress(): Promise<Progress | null> {
    return readJson(this.path("progress.json"), progressSchema);
  }

  /** Parameters and their layout, by digest. */
  async writeCheckpoint(digest: Digest, values: Uint8Array, specs: ParamSpecs): Promise<void> {
    await writeFileDurably(this.path("checkpoints", `${digest}.f32`), values);
    await writeJson(this.path("checkpoints", `${digest}.json`), specs);
  }

  /** @throws AppError CHECKPOINT_INVALID when the file is missing, torn or altered. */
  async readCheckpoint(digest: Digest): Promise<{ values: Uint8Array; specs: ParamSpecs }> {
    const values = await this.readBlob(join("checkpoints", `${digest}.f32`), digest);
    const specs = await readJson(this.path("checkpoints", `${digest}.json`), specsSchema);
    if (!specs) throw new AppError("CHECKPOINT_INVALID", `checkpoint ${digest} has no layout`);
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
    await appendFile(this.path("events.jsonl"), `${JSON.stringify(record)}\n`);
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
