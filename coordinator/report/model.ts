/** What the report's page is made from. Read and rendered by adapters/report-writer.ts; everything may be missing. */
import type { EllipseRecord, RunRecord, StageRecord } from "../../shared/data/run-record.js";
import type { Scores } from "../../shared/math/scores.js";
import type { Timeline } from "./timeline.js";

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
  /** The photo and its mask in every column, side by side; null: too few. */
  readonly film: Picture | null;
}

/** Part of a photo with its mask before and after. */
export interface CloseUp {
  readonly path: string;
  readonly before: Picture;
  readonly after: Picture;
  readonly truth: Picture | null;
}

export interface Failures {
  /** Measured against true masks, or by how much the last round changed. */
  readonly kind: "truth" | "change";
  readonly cases: readonly FailureCase[];
  /** Photos looked at, of how many. */
  readonly looked: number;
  readonly of: number;
}

export interface FailureCase {
  readonly path: string;
  readonly tags: readonly number[];
  /** For people: "IoU 0.12". */
  readonly score: string;
  readonly pictures: readonly { readonly title: string; readonly picture: Picture }[];
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
  readonly closeUps: readonly CloseUp[];
  /** Null while the run goes on, or where nothing can be compared. */
  readonly failures: Failures | null;
  readonly timeline: Timeline;
  /** SHA-256 of manifest.json: which data it was. Null when it is missing. */
  readonly manifestSha256: string | null;
  /** Digest of what each corrected round took, from the event log. */
  readonly corrections: readonly { readonly round: number; readonly digest: string }[];
  /** Sentences about what could not be read. */
  readonly problems: readonly string[];
}

/** A model of a run of which nothing is known. */
export const emptyModel = {
  columns: [],
  samples: [],
  closeUps: [],
  failures: null,
  timeline: { phases: [], marks: [] },
  manifestSha256: null,
  corrections: [],
  problems: [],
} as const satisfies Partial<ReportModel>;

export type ScoreKind = "labels" | "val" | "valGated";

/** The last stage that has scores of this kind. */
export function lastScored(stages: readonly StageRecord[], kind: ScoreKind): Scores | null {
  return stages.findLast((stage) => stage[kind] !== null)?.[kind] ?? null;
}

export function firstScored(stages: readonly StageRecord[], kind: ScoreKind): Scores | null {
  return stages.find((stage) => stage[kind] !== null)?.[kind] ?? null;
}
