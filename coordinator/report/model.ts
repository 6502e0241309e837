/** What the report's page is made from. Read and rendered by adapters/report-writer.ts; everything may be missing. */
import type { EllipseRecord, RunRecord, StageRecord } from "../../shared/data/run-record.js";
import type { Scores } from "../../shared/math/scores.js";

/** A small picture inside the page. */
export interface Picture {
  /** data: URI. */
  readonly uri: string;
  readonly width: number;
  readonly height: number;
}

export interface LabelPicture extends Picture {
  /** Mean IoU over classes of this one image, where it has a true mask. */
  readonly fgMiou: number | null;
}

/** One training image and how its mask grew. */
export interface SampleRow {
  readonly path: string;
  /** Class ids. */
  readonly tags: readonly number[];
  readonly photo: Picture | null;
  readonly heat: Picture | null;
  /** One per label column; null where that version does not exist (yet). */
  readonly labels: readonly (LabelPicture | null)[];
  readonly truth: Picture | null;
}

export interface LabelColumn {
  readonly version: number;
  readonly title: string;
}

export interface ReportModel {
  readonly run: RunRecord;
  readonly stages: readonly StageRecord[];
  readonly ellipse: EllipseRecord | null;
  /** In the order of their ids (id = index + 1). */
  readonly classes: readonly string[];
  /** Null when the manifest is missing. */
  readonly trainImages: number | null;
  readonly columns: readonly LabelColumn[];
  readonly samples: readonly SampleRow[];
  /** Sentences about what could not be read. */
  readonly problems: readonly string[];
}

export type ScoreKind = "labels" | "val" | "valGated";

/** The last stage that has scores of this kind. */
export function lastScored(stages: readonly StageRecord[], kind: ScoreKind): Scores | null {
  return stages.findLast((stage) => stage[kind] !== null)?.[kind] ?? null;
}

export function firstScored(stages: readonly StageRecord[], kind: ScoreKind): Scores | null {
  return stages.find((stage) => stage[kind] !== null)?.[kind] ?? null;
}
