/** The result of an ablation: mean and deviation over seeds, as rows, Markdown and JSON. Pure. */
import type { StageRecord } from "../../shared/data/run-record.js";
import type { Scores } from "../../shared/math/scores.js";
import { duration, shellLine } from "../report/format.js";
import type { Cell } from "./plan.js";

export const metricNames = [
  "labelMiou",
  "labelPrecision",
  "labelRecall",
  "valMiou",
  "valGatedMiou",
  "valFgMiou",
  "valGatedFgMiou",
  "valBoundaryIou",
  "valGatedBoundaryIou",
  "valBoundaryF",
  "valGatedBoundaryF",
  "trimap2",
  "trimap8",
  "seconds",
] as const;
export type MetricName = (typeof metricNames)[number];
/** Of one trained cell; null where the data cannot tell. */
export type Measured = Readonly<Record<MetricName, number | null>>;

/** The last labels and the last validation of a run. */
export function measuredOf(stages: readonly StageRecord[], seconds: number): Measured {
  const last = (kind: "labels" | "val" | "valGated") =>
    stages.findLast((stage) => stage[kind] !== null)?.[kind] ?? null;
  const [labels, val, gated] = [last("labels"), last("val"), last("valGated")];
  return {
    labelMiou: labels?.miou ?? null,
    labelPrecision: labels?.precision ?? null,
    labelRecall: labels?.recall ?? null,
    valMiou: val?.miou ?? null,
    valGatedMiou: gated?.miou ?? null,
    valFgMiou: val?.fgMiou ?? null,
    valGatedFgMiou: gated?.fgMiou ?? null,
    valBoundaryIou: val?.boundaryIou ?? null,
    valGatedBoundaryIou: gated?.boundaryIou ?? null,
    valBoundaryF: val?.contours?.boundaryF ?? null,
    valGatedBoundaryF: gated?.contours?.boundaryF ?? null,
    trimap2: trimapAt(val, 2),
    trimap8: trimapAt(val, 8),
    seconds,
  };
}

function trimapAt(scores: Scores | null, width: number): number | null {
  return scores?.contours?.trimap.find((band) => band.width === width)?.miou ?? null;
}

export interface CellOutcome extends Cell {
  readonly state: "done" | "failed" | "open";
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly measured: Measured | null;
  /** argv of the cell alone, after "seedgrow". */
  readonly command: readonly string[];
  readonly runDir: string | null;
}

export interface Statistic {
  readonly mean: number;
  /** Of the sample (n - 1); null for one seed. */
  readonly deviation: number | null;
}

export interface TableRow {
  readonly dataset: string;
  readonly variant: string;
  readonly about: string;
  readonly done: readonly number[];
  readonly open: readonly number[];
  readonly failed: readonly { readonly seed: number; readonly code: string; readonly message: string }[];
  readonly metrics: Readonly<Record<MetricName, Statistic | null>>;
  /** Of the first seed; the others differ in --seed alone. */
  readonly command: readonly string[];
}

export function statisticOf(values: readonly number[]): Statistic | null {
  if (values.length === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length === 1) return { mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}

/** One row per data set and variant, in the order of the cells. */
export function tableRows(cells: readonly CellOutcome[], about: Readonly<Record<string, string>>): TableRow[] {
  const groups = new Map<string, CellOutcome[]>();
  for (const cell of cells) {
    const key = `${cell.dataset}/${cell.variant}`;
    groups.set(key, [...(groups.get(key) ?? []), cell]);
  }
  return [...groups.values()].map((group) => {
    const { dataset, variant, command } = group[0]!;
    const seedsOf = (state: CellOutcome["state"]) =>
      group.filter((cell) => cell.state === state).map(({ seed }) => seed);
    const failed = group.flatMap(({ seed, error }) => (error ? [{ seed, ...error }] : []));
    return {
      ...{ dataset, variant, command, failed, about: about[variant] ?? "" },
      done: seedsOf("done"),
      open: seedsOf("open"),
      metrics: metricsOf(group.flatMap(({ measured }) => (measured ? [measured] : []))),
    };
  });
}

function metricsOf(measured: readonly Measured[]): Record<MetricName, Statistic | null> {
  const of = (name: MetricName) => {
    // A seed that could not be measured must not make the mean one of other seeds.
    const values = measured.map((one) => one[name]);
    return values.some((value) => value === null) ? null : statisticOf(values as number[]);
  };
  return Object.fromEntries(metricNames.map((name) => [name, of(name)])) as Record<MetricName, Statistic | null>;
}

export interface Column {
  readonly title: string;
  readonly name: MetricName;
}

/** Tag-free and tags given stand side by side. */
export const columns: readonly Column[] = [
  { title: "labels mIoU", name: "labelMiou" },
  { title: "labels P", name: "labelPrecision" },
  { title: "labels R", name: "labelRecall" },
  { title: "val mIoU", name: "valMiou" },
  { title: "tags given", name: "valGatedMiou" },
  { title: "fg mIoU", name: "valFgMiou" },
  { title: "tags given", name: "valGatedFgMiou" },
  { title: "Boundary IoU", name: "valBoundaryIou" },
  { title: "tags given", name: "valGatedBoundaryIou" },
  { title: "boundary F", name: "valBoundaryF" },
  { title: "trimap 2 px", name: "trimap2" },
  { title: "trimap 8 px", name: "trimap8" },
  { title: "time", name: "seconds" },
];

/** ".872 ± .006"; a time without its deviation. */
export function statisticText(name: MetricName, statistic: Statistic | null): string {
  if (statistic === null) return "–";
  if (name === "seconds") return duration(statistic.mean);
  const text = (value: number) => value.toFixed(3).replace(/^0/, "");
  return text(statistic.mean) + (statistic.deviation === null ? "" : ` ± ${text(statistic.deviation)}`);
}

/** "3", or "2 of 3 (1 WORK_FAILED)". */
export function seedsText({ done, open, failed }: TableRow): string {
  const total = done.length + open.length + failed.length;
  const codes = [...new Set(failed.map(({ code }) => code))];
  const broken = codes.map((code) => `${failed.filter((one) => one.code === code).length} ${code}`);
  const rest = [...broken, ...(open.length > 0 ? [`${open.length} open`] : [])];
  return rest.length === 0 ? String(total) : `${done.length} of ${total} (${rest.join(", ")})`;
}

export interface TableDocument {
  readonly rows: readonly TableRow[];
  /** Data set -> picture beside the document. */
  readonly sheets: Readonly<Record<string, string>>;
  readonly seedgrowVersion: string;
}

export function tableMarkdown({ rows, sheets, seedgrowVersion }: TableDocument): string {
  const datasets = [...new Set(rows.map(({ dataset }) => dataset))];
  const failed = rows.flatMap((row) => row.failed.map((one) => ({ ...one, ...row })));
  const parts = [
    `Mean ± standard deviation over seeds, seedgrow ${seedgrowVersion}. Labels: the last pseudo-labels against the training masks. The rest is validation: of the model alone, and, where it says "tags given", limited to each image's tags. Scores: docs/METRICS.md.`,
    ...datasets.flatMap((dataset) => [
      `## ${dataset}`,
      datasetTable(rows.filter((row) => row.dataset === dataset)),
      ...(sheets[dataset] ? [`![masks of every variant](${sheets[dataset]})`] : []),
    ]),
    ...(failed.length > 0 ? ["## Failed", failed.map(failureLine).join("\n")] : []),
    "## Commands",
    `One per row, with its first seed.\n\n${rows.map(commandLine).join("\n")}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function datasetTable(rows: readonly TableRow[]): string {
  const lines = rows.map((row) => {
    const cells = columns.map(({ name }) => statisticText(name, row.metrics[name]));
    return `| ${[`${row.variant}${row.about ? `: ${row.about}` : ""}`, seedsText(row), ...cells].join(" | ")} |`;
  });
  const titles = ["variant", "seeds", ...columns.map(({ title }) => title)];
  return [`| ${titles.join(" | ")} |`, `|---|${"--:|".repeat(titles.length - 1)}`, ...lines].join("\n");
}

function failureLine(one: { dataset: string; variant: string; seed: number; code: string; message: string }): string {
  return `- ${one.dataset}, ${one.variant}, seed ${one.seed}: \`${one.code}\` ${one.message.split("\n")[0]}`;
}

function commandLine({ dataset, variant, command }: TableRow): string {
  return `- ${dataset}, ${variant}: \`${shellLine(["seedgrow", ...command])}\``;
}
