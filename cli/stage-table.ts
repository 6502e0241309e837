/** The stages of a run as a table. */
import Table from "cli-table3";
import type { StageRecord } from "../shared/data/run-record.js";

export function stageTable(stages: readonly StageRecord[]): string {
  const table = new Table({
    head: ["stage", "labels mIoU", "labels P/R", "val mIoU", "val fg mIoU", "val Boundary IoU", "changed", "s"],
    colAligns: ["left", "right", "right", "right", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, labels, val, changedShare, seconds } of stages) {
    const precisionRecall = labels ? `${score(labels.precision)}/${score(labels.recall)}` : "-";
    const valScores = [score(val?.miou), score(val?.fgMiou), score(val?.boundaryIou)];
    const changed = changedShare === null ? "-" : `${(changedShare * 100).toFixed(1)} %`;
    table.push([name, score(labels?.miou), precisionRecall, ...valScores, changed, seconds.toFixed(0)]);
  }
  return table.toString();
}

export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : value.toFixed(4).replace(/^0/, "");
}
