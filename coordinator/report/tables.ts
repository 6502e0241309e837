/** The report's tables: every stage, and every class at the end. */

import { overlayColor } from "../../shared/data/overlay.js";
import type { StageRecord } from "../../shared/data/run-record.js";
import type { Scores } from "../../shared/math/scores.js";
import { decimal, duration, percent, stageTitle } from "./format.js";
import { classSwatch } from "./gallery.js";
import { type Html, html } from "./html.js";
import { lastScored, type ReportModel } from "./model.js";

interface Column {
  readonly title: string;
  /** Null in a column of times and counts, whose best value is not marked. */
  readonly value: ((stage: StageRecord) => number | null | undefined) | null;
  readonly text: (stage: StageRecord) => string;
  readonly baseline: number | null | undefined;
}

/** All stages with all scores; columns that nothing was measured for are left out. */
export function stageTable({ stages, ellipse }: ReportModel): Html | null {
  if (stages.length === 0) return null;
  const columns = stageColumns(ellipse?.train ?? null, ellipse?.val ?? null).filter(({ value }) => {
    return value === null || stages.some((stage) => (value(stage) ?? null) !== null);
  });
  const hasBaseline = columns.some(({ baseline }) => baseline !== null && baseline !== undefined);
  return html`<section><h2>Stages</h2>
<p class="soft">Labels are compared with the train split's true masks, the model's own predictions with the val split's. “Tags given” limits a prediction to the photo's known tags. “Fg” leaves background out of the mean.</p>
<div class="scroll" role="region" aria-label="Stages" tabindex="0"><table>
<thead><tr><th scope="col">Stage</th>${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${stages.map((stage) => html`<tr><th scope="row">${stageTitle(stage.name)}</th>${columns.map((column) => stageCell(column, stage, stages))}</tr>`)}
${hasBaseline && html`<tr class="baseline"><th scope="row">Centred ellipse</th>${columns.map(({ baseline }) => html`<td>${baseline === undefined ? "" : decimal(baseline)}</td>`)}</tr>`}</tbody>
</table></div></section>`;
}

/** IoU per class at the end, with the ellipse as a mark on each bar. */
export function classBars(model: ReportModel): Html | null {
  const val = lastScored(model.stages, "val");
  const scores = val ?? lastScored(model.stages, "labels");
  if (!scores) return null;
  const baseline = (val ? model.ellipse?.val : model.ellipse?.train) ?? null;
  const known = model.classes
    .map((name, i) => ({ name, id: i + 1 }))
    .filter(({ name }) => (scores.iou[name] ?? null) !== null);
  return html`<section><h2>Classes</h2>
<p class="soft">${val ? "The model's predictions on the val split, no tags given" : "The last pseudo-labels, train split"}.${baseline ? " The mark on a bar is the centred ellipse." : ""}</p>
<div class="scroll" role="region" aria-label="Classes" tabindex="0"><table class="bars">
<thead><tr><th scope="col">Class</th><th scope="col"></th><th scope="col">IoU</th>${baseline && html`<th scope="col">Ellipse</th>`}<th scope="col">Boundary IoU</th></tr></thead>
<tbody>${known.map(({ name, id }) => classRow(name, id, scores, baseline))}</tbody>
</table></div></section>`;
}

function stageColumns(train: Scores | null, val: Scores | null): Column[] {
  return [
    scoreColumn("Labels mIoU", (stage) => stage.labels?.miou, train?.miou),
    scoreColumn("Precision", (stage) => stage.labels?.precision, train?.precision),
    scoreColumn("Recall", (stage) => stage.labels?.recall, train?.recall),
    scoreColumn("Labels Boundary IoU", (stage) => stage.labels?.boundaryIou, train?.boundaryIou),
    scoreColumn("Val mIoU", (stage) => stage.val?.miou, val?.miou),
    scoreColumn("Val mIoU, tags given", (stage) => stage.valGated?.miou, undefined),
    scoreColumn("Val fg mIoU", (stage) => stage.val?.fgMiou, val?.fgMiou),
    scoreColumn("Val Boundary IoU", (stage) => stage.val?.boundaryIou, val?.boundaryIou),
    scoreColumn("Val Boundary IoU, tags given", (stage) => stage.valGated?.boundaryIou, undefined),
    scoreColumn("Val boundary F", (stage) => stage.val?.contours?.boundaryF, val?.contours?.boundaryF),
    { title: "Changed", value: null, text: (stage) => percent(stage.changedShare), baseline: undefined },
    { title: "Steps", value: null, text: (stage) => stepsOf(stage), baseline: undefined },
    { title: "Time", value: null, text: (stage) => duration(stage.seconds), baseline: undefined },
  ];
}

function scoreColumn(
  title: string,
  value: (stage: StageRecord) => number | null | undefined,
  baseline: number | null | undefined,
): Column {
  return { title, value, text: (stage) => decimal(value(stage)), baseline };
}

function stageCell({ value, text }: Column, stage: StageRecord, stages: readonly StageRecord[]): Html {
  const best = value !== null && stages.length > 1 ? Math.max(...stages.map((other) => value(other) ?? -1)) : null;
  return best !== null && value?.(stage) === best
    ? html`<td class="best">${text(stage)}</td>`
    : html`<td>${text(stage)}</td>`;
}

function stepsOf({ losses }: StageRecord): string {
  const last = losses.at(-1);
  return last ? String(last[0]) : "–";
}

function classRow(name: string, id: number, scores: Scores, baseline: Scores | null): Html {
  const iou = scores.iou[name] ?? 0;
  const mark = baseline?.iou[name] ?? null;
  const color = overlayColor(id).join(" ");
  return html`<tr><th scope="row">${classSwatch(id, name)}</th>
<td class="bar"><div class="track" aria-hidden="true"><b style="width:${percentOf(iou)};background:rgb(${color})"></b>${mark !== null && html`<u style="left:${percentOf(mark)}"></u>`}</div></td>
<td>${decimal(iou)}</td>${baseline && html`<td>${decimal(mark)}</td>`}<td>${decimal(scores.boundaryIouByClass[name])}</td></tr>`;
}

function percentOf(share: number): string {
  return `${(share * 100).toFixed(2)}%`;
}
