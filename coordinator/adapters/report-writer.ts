/**
 * Writes runs/<id>/report.html from what the run has written about itself. Called after every round and for failed runs
 * too: a missing or damaged part becomes a sentence in the page, and only a run without run.json is an error.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { sha256 } from "../../shared/codec/digest.js";
import { type Manifest, manifestSchema } from "../../shared/data/manifest.js";
import {
  ellipseRecordSchema,
  maskPathsSchema,
  runFiles,
  runRecordSchema,
  type StageRecord,
  stageRecordsSchema,
} from "../../shared/data/run-record.js";
import { AppError } from "../../shared/errors.js";
import type { ReportModel } from "../report/model.js";
import { renderReport } from "../report/page.js";
import { chooseColumns } from "../report/samples.js";
import { type LoggedEvent, timelineOf } from "../report/timeline.js";
import { readFailures } from "./report-failures.js";
import { readSamples } from "./report-samples.js";

/** @returns the page's path. */
export async function writeReport(runDir: string): Promise<string> {
  const model = await readModel(runDir);
  const path = join(runDir, runFiles.report);
  await writeFile(`${path}.part`, renderReport(model));
  await rename(`${path}.part`, path);
  return path;
}

async function readModel(runDir: string): Promise<ReportModel> {
  const problems: string[] = [];
  const read = <T>(file: string, schema: z.ZodType<T>) => readOptional(runDir, file, schema, problems);
  const run = await read(runFiles.run, runRecordSchema);
  if (run === null) throw new AppError("RUN_NOT_FOUND", problems[0] ?? `there is no ${runFiles.run} in ${runDir}`);
  const stages = (await read(runFiles.stages, stageRecordsSchema)) ?? [];
  const manifest = await read(runFiles.manifest, manifestSchema);
  const masks = (await read(runFiles.masks, maskPathsSchema)) ?? {};
  const columns = chooseColumns(stages);
  const events = await readEvents(join(runDir, runFiles.events));
  const { rows, closeUps } = manifest
    ? await readSamples({ runDir, manifest, masks, columns, seed: run.seed })
    : { rows: [], closeUps: [] };
  return {
    run,
    stages,
    ellipse: await read(runFiles.ellipse, ellipseRecordSchema),
    classes: manifest?.classes ?? classesOf(stages),
    trainImages: manifest?.train.images.length ?? null,
    columns,
    samples: rows,
    closeUps,
    // Every mask is read for it: once, at the end.
    failures: manifest && run.state !== "running" ? await readFailures({ runDir, manifest, masks, columns }) : null,
    timeline: timelineOf(events),
    manifestSha256: await readFile(join(runDir, runFiles.manifest)).then(sha256, () => null),
    corrections: events.flatMap(({ kind, round, digest }) => {
      return kind === "corrections-applied" ? [{ round: Number(round), digest: String(digest) }] : [];
    }),
    problems: manifest ? problems : [...problems, missingManifest],
  };
}

/** A torn line is passed over. */
async function readEvents(path: string): Promise<LoggedEvent[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    try {
      const event = JSON.parse(line) as LoggedEvent;
      return typeof event?.at === "string" && typeof event.kind === "string" ? [event] : [];
    } catch {
      return [];
    }
  });
}

const missingManifest = `${runFiles.manifest} is missing, so there are no sample photos below.`;

async function readOptional<T>(
  runDir: string,
  file: string,
  schema: z.ZodType<T>,
  problems: string[],
): Promise<T | null> {
  const text = await readFile(join(runDir, file), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    problems.push(`${file} could not be read: ${AppError.from(error).message.slice(0, 200)}`);
    return null;
  }
}

function classesOf(stages: readonly StageRecord[]): Manifest["classes"] {
  const scored = stages.map((stage) => stage.val ?? stage.labels).find((scores) => scores !== null);
  return Object.keys(scored?.iou ?? {});
}
