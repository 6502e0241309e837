/** The stages of a run as a table. Validation without tags, but for the column that says so; F is boundary F. */
import Table from "cli-table3";
import type { StageRecord } from "../shared/data/run-record.js";

export function stageTable(stages: readonly StageRecord[]): string {
  const table = new Table({
    head: ["stage", "labels mIoU", "P/R", "val mIoU", "tags given", "fg mIoU", "Boundary IoU", "F", "changed", "s"],
    colAligns: ["left", ...new Array<"right">(9).fill("right")],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, labels, val, valGated, changedShare, seconds } of stages) {
    const precisionRecall = labels ? `${score(labels.precision)}/${score(labels.recall)}` : "-";
    const ious = [val?.miou, valGated?.miou, val?.fgMiou, val?.boundaryIou, val?.contours?.boundaryF];
    const valScores = ious.map(score);
    const changed = changedShare === null ? "-" : `${(changedShare * 100).toFixed(1)} %`;
    table.push([name, score(labels?.miou), precisionRecall, ...valScores, changed, seconds.toFixed(0)]);
  }
  return table.toString();
}

export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : value.toFixed(4).replace(/^0/, "");
}
