/** The report's charts: scores per stage, and the loss within each stage. */
import type { StageRecord } from "../../shared/data/run-record.js";
import { meanOfKnown } from "../../shared/math/confusion.js";
import { type ContourScores, trimapWidths } from "../../shared/math/contours.js";
import type { Scores } from "../../shared/math/scores.js";
import { type ChartSpec, lineChart, type Point, paddedRange, type Series } from "./charts.js";
import { decimal, stageTitle } from "./format.js";
import type { Html } from "./html.js";
import type { ReportModel, ScoreKind } from "./model.js";

type Metric = "miou" | "boundaryIou";

const kinds: readonly { readonly kind: ScoreKind; readonly name: string }[] = [
  { kind: "val", name: "model, val" },
  { kind: "valGated", name: "model, val, tags given" },
  { kind: "labels", name: "pseudo-labels, train" },
];
const ellipseColor = 3;
/** More points than pixels draw only noise. */
const lossPointsMax = 240;

/** One chart per metric that has been measured at least once. */
export function scoreCharts(model: ReportModel): Html[] {
  const metrics: readonly [Metric, string][] = [
    ["miou", "mIoU"],
    ["boundaryIou", "Boundary IoU"],
  ];
  return metrics.flatMap(([metric, title]) => {
    const series = kinds.flatMap(({ kind, name }, color) => measuredSeries(model.stages, metric, kind, name, color));
    return series.length === 0 ? [] : [lineChart(scoreChart(model, metric, title, series))];
  });
}

/** IoU inside bands around the true contour, of the last round with and without tags, and of the first. */
export function trimapChart({ stages }: ReportModel): Html | null {
  const scored = stages.filter((stage) => stage.val?.contours);
  const [first, last] = [scored[0], scored.at(-1)];
  if (!first || !last) return null;
  const curves: (readonly [string, ContourScores | null | undefined])[] = [
    [`${stageTitle(last.name)}, val`, last.val?.contours],
    [`${stageTitle(last.name)}, tags given`, last.valGated?.contours],
    ...(first === last ? [] : [[`${stageTitle(first.name)}, val`, first.val?.contours] as const]),
  ];
  const series = curves.flatMap(([name, contours], color): Series[] => {
    const points = (contours?.trimap ?? []).map(({ miou }, i): Point => [i, miou]);
    return points.some(([, value]) => value !== null) ? [{ name, points, color, look: "dots" }] : [];
  });
  if (series.length === 0) return null;
  const title = "IoU near the true contour";
  return lineChart({
    title,
    summary: `${title}, in bands from ${trimapWidths[0]} to ${trimapWidths.at(-1)} pixels. ${series.map(spoken).join("; ")}.`,
    series,
    xLabel: "band on each side",
    xTicks: trimapWidths.map((width, at) => ({ at, label: `${width} px` })),
    yRange: paddedRange(valuesOf(series), 0, 1),
    width: 560,
    height: 270,
  });
}

/** One chart per stage that was trained, on its own scale. */
export function lossCharts(stages: readonly StageRecord[]): Html[] {
  return stages
    .filter((stage) => stage.losses.some(([, loss]) => loss !== null))
    .map((stage) => lineChart(lossChart(stage)));
}

function measuredSeries(
  stages: readonly StageRecord[],
  metric: Metric,
  kind: ScoreKind,
  name: string,
  color: number,
): Series[] {
  const points: Point[] = stages.map((stage, i) => [i, stage[kind]?.[metric] ?? null]);
  const known = points.filter(([, value]) => value !== null);
  return known.length === 0 ? [] : [{ name, points: known, color, look: "dots" }];
}

function scoreChart({ stages, ellipse }: ReportModel, metric: Metric, title: string, measured: Series[]): ChartSpec {
  const hasVal = measured.some(({ color }) => color < 2);
  const baseline = ellipseSeries(hasVal ? ellipse?.val : ellipse?.train, metric, stages.length);
  const series = [...baseline, ...measured];
  return {
    title,
    summary: `${title} per stage. ${series.map(spoken).join("; ")}.`,
    series,
    xLabel: "",
    xTicks: stages.map((stage, at) => ({ at, label: tickLabel(stage.name, stages.length) })),
    yRange: paddedRange(valuesOf(series), 0, 1),
    width: 560,
    height: 270,
  };
}

/** Many stages: "R3" instead of "Round 3", so that neighbours do not touch. */
function tickLabel(name: string, stageCount: number): string {
  return stageCount > 8 ? stageTitle(name).replace(/^Round /, "R") : stageTitle(name);
}

function ellipseSeries(scores: Scores | null | undefined, metric: Metric, stageCount: number): Series[] {
  const value = scores?.[metric] ?? null;
  if (value === null) return [];
  const ends: Point[] = [0, Math.max(0, stageCount - 1)].map((at) => [at, value]);
  return [{ name: "centred ellipse", points: ends, color: ellipseColor, look: "dashed" }];
}

function lossChart({ name, losses }: StageRecord): ChartSpec {
  const raw = thinned(losses);
  const smooth = smoothed(raw);
  const known = valuesOf([{ name, points: smooth, color: 0, look: "plain" }]);
  const title = stageTitle(name);
  return {
    title,
    summary: `Training loss of ${title}: from ${decimal(known[0])} to ${decimal(known.at(-1))} in ${losses.at(-1)![0]} steps.`,
    series: [
      { name: "loss", points: raw, color: 0, look: "faint" },
      { name: "smoothed", points: smooth, color: 0, look: "plain" },
    ],
    xLabel: "step",
    xTicks: null,
    yRange: [0, Math.max(1e-6, ...valuesOf([{ name, points: raw, color: 0, look: "plain" }]))],
    width: 360,
    height: 200,
  };
}

/** Means of equal runs of steps; a run with a loss that is not a number stays a gap. */
function thinned(losses: readonly Point[]): Point[] {
  const size = Math.ceil(losses.length / lossPointsMax);
  return Array.from({ length: Math.ceil(losses.length / size) }, (_, i) => {
    const run = losses.slice(i * size, (i + 1) * size);
    const broken = run.some(([, loss]) => loss === null);
    return [run[0]![0], broken ? null : run.reduce((sum, [, loss]) => sum + loss!, 0) / run.length];
  });
}

/** Mean over a window centred on each point, about a tenth of the curve wide. */
function smoothed(points: readonly Point[]): Point[] {
  const reach = Math.floor(points.length / 20);
  return points.map(([step], i) => {
    const window = points.slice(Math.max(0, i - reach), i + reach + 1);
    return [step, meanOfKnown(window.map(([, loss]) => loss))];
  });
}

function valuesOf(series: readonly Series[]): number[] {
  return series.flatMap(({ points }) => points.flatMap(([, value]) => (value === null ? [] : [value])));
}

function spoken({ name, points }: Series): string {
  const [first, last] = [points[0]![1], points.at(-1)![1]];
  return points.length === 1 || first === last
    ? `${name}: ${decimal(last)}`
    : `${name}: ${decimal(first)} to ${decimal(last)}`;
}
