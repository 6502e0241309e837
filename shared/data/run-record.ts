/**
 * What a run writes about itself into runs/<id>/, for people and for the report. The coordinator writes these files
 * while the run goes on; readers must expect a run that is unfinished, failed, or has no masks to be measured against.
 */
import { z } from "zod";
import type { Scores } from "../math/scores.js";

/** Names inside runs/<id>/. Label and CAM packs are codec/map-pack.ts, one per shard. */
export const runFiles = {
  run: "run.json",
  stages: "stages.json",
  ellipse: "ellipse.json",
  manifest: "manifest.json",
  /** { [train image index]: absolute path of its true mask }. */
  masks: "masks.json",
  report: "report.html",
  events: "events.jsonl",
  /** What people corrected, and what each round took of it. */
  corrections: "corrections.json",
  roundCatalogue: (round: number) => `corrections/${roundFile(round)}.json`,
  roundPack: (round: number) => `corrections/${roundFile(round)}.pack`,
  labelPack: (version: number, shard: number) => `labels/v${version}/${shardFile(shard)}`,
  camPack: (shard: number) => `cam/${shardFile(shard)}`,
} as const;

function roundFile(round: number): string {
  return `round-${String(round).padStart(3, "0")}`;
}

function shardFile(shard: number): string {
  return `shard-${String(shard).padStart(3, "0")}.pack`;
}

const share = z.number().min(0).max(1);
const scoresByClass = z.record(z.string(), share.nullable());

const contoursSchema = z.object({
  trimap: z.array(z.object({ width: z.number(), miou: share.nullable() })),
  boundaryF: share.nullable(),
  boundaryFByClass: scoresByClass,
});

export const scoresSchema = z.object({
  images: z.int().nonnegative(),
  miou: share.nullable(),
  fgMiou: share.nullable(),
  boundaryIou: share.nullable(),
  precision: share.nullable(),
  recall: share.nullable(),
  iou: scoresByClass,
  backgroundIou: share.nullable(),
  boundaryIouByClass: scoresByClass,
  /** Absent in runs of older versions. */
  contours: contoursSchema.nullable().default(null),
}) satisfies z.ZodType<Scores>;

export const runRecordSchema = z.object({
  runId: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
  state: z.enum(["running", "done", "failed", "stopped"]),
  /** argv after "seedgrow". */
  command: z.array(z.string()),
  seedgrowVersion: z.string(),
  seed: z.int(),
  config: z.record(z.string(), z.unknown()),
  /** Wall time so far, over all sittings of a resumed run. */
  seconds: z.number().nonnegative(),
  /** Of the final weights; the same for the same config, data, seed and engine. */
  weightsSha256: z.string().nullable(),
  workers: z.array(z.object({ id: z.string(), host: z.string(), engine: z.string() })),
});

export const stageRecordSchema = z.object({
  /** "cam", "seeds", "round-1", "round-2", ... in the order they ran. */
  name: z.string(),
  /** Pseudo-labels against the train split's true masks, where there are any. */
  labels: scoresSchema.nullable(),
  /** The model's own predictions on the val split: without the image's tags, and limited to them. */
  val: scoresSchema.nullable(),
  valGated: scoresSchema.nullable(),
  seconds: z.number().nonnegative(),
  /** [steps done, loss], ascending; null where the loss was not a number. */
  losses: z.array(z.tuple([z.int().nonnegative(), z.number().nullable()])),
  /** Share of label pixels that this stage changed. */
  changedShare: share.nullable(),
  /** Version of the labels this stage wrote: labels/v<version>. */
  labelVersion: z.int().nonnegative().nullable(),
});

export const stageRecordsSchema = z.array(stageRecordSchema);

/** The centred-ellipse baseline with the true tag, on the images that have masks. */
export const ellipseRecordSchema = z.object({ train: scoresSchema.nullable(), val: scoresSchema.nullable() });

export const maskPathsSchema = z.record(z.string(), z.string());

export type RunRecord = z.infer<typeof runRecordSchema>;
export type StageRecord = z.infer<typeof stageRecordSchema>;
export type EllipseRecord = z.infer<typeof ellipseRecordSchema>;
