/** An ablation's folder: one file per cell, the cells' runs, the table. Every file is there whole or not at all. */
import { join } from "node:path";
import { z } from "zod";
import { sha256 } from "../../shared/codec/digest.js";
import { errorCodes } from "../../shared/errors.js";
import { seedgrowVersion } from "../../shared/version.js";
import type { CellPlan } from "../ablation/plan.js";
import { type CellOutcome, metricNames, type TableDocument, tableMarkdown } from "../ablation/table.js";
import type { RunConfig } from "../config.js";
import { readJson, writeFileDurably, writeJson } from "./files.js";

const measuredSchema = z.record(z.enum(metricNames), z.number().nullable());

const cellSchema = z.object({
  id: z.string(),
  /** Of all that decides the result: a changed config is another cell. */
  digest: z.string(),
  state: z.enum(["running", "done", "failed"]),
  runId: z.string().nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  measured: measuredSchema.nullable(),
  seedgrowVersion: z.string(),
});
export type CellRecord = z.infer<typeof cellSchema>;

/** A cell with its settings checked. */
export interface ReadyCell extends CellPlan {
  readonly config: RunConfig;
  readonly command: readonly string[];
}

/** The workers and where they listen change nothing in the result; local steps and rounding do. */
export function cellDigest({ source, backbone, config }: ReadyCell): string {
  const { cluster, ...decisive } = config;
  const { sync, localSteps, localReplicas, outerLearningRate, outerMomentum, wire } = cluster;
  const local = sync === "local" ? [[localSteps, localReplicas, outerLearningRate, outerMomentum]] : [];
  const rounded = wire === "f32" ? [] : [wire];
  return sha256(Buffer.from(JSON.stringify([source, backbone, decisive, ...local, ...rounded])));
}

export class AblationStore {
  constructor(readonly dir: string) {}

  get runsDir(): string {
    return join(this.dir, "runs");
  }

  runDir(runId: string): string {
    return join(this.runsDir, runId);
  }

  /** Null when the cell was never begun, or with other settings. @throws AppError CHECKPOINT_INVALID */
  async read(cell: ReadyCell): Promise<CellRecord | null> {
    const record = await readJson(this.path(cell), cellSchema);
    return record?.digest === cellDigest(cell) ? record : null;
  }

  async write(cell: ReadyCell, change: Omit<CellRecord, "id" | "digest" | "seedgrowVersion">): Promise<CellRecord> {
    const record = { id: cell.id, digest: cellDigest(cell), seedgrowVersion, ...change };
    await writeJson(this.path(cell), record);
    return record;
  }

  async outcome(cell: ReadyCell): Promise<CellOutcome> {
    const record = await this.read(cell);
    const { id, dataset, variant, seed, command } = cell;
    return {
      ...{ id, dataset, variant, seed, command },
      state: record === null || record.state === "running" ? "open" : record.state,
      error:
        record?.state === "failed" ? (record.error ?? { code: "INTERNAL", message: errorCodes.INTERNAL[1] }) : null,
      measured: record?.state === "done" ? (record.measured as CellOutcome["measured"]) : null,
      runDir: record?.runId ? this.runDir(record.runId) : null,
    };
  }

  /** ablation.md and ablation.json. */
  async writeTable(document: TableDocument, cells: readonly CellOutcome[]): Promise<void> {
    await writeFileDurably(join(this.dir, "ablation.md"), tableMarkdown(document));
    await writeJson(join(this.dir, "ablation.json"), { ...document, cells });
  }

  private path({ id }: ReadyCell): string {
    return join(this.dir, "cells", `${id}.json`);
  }
}
