/** The stages of a run as a table. Validation without tags, but for the column that says so; F is boundary F. */
import Table from "cli-table3";
import type { StageRecord } from "../shared/data/run-record.js";

const head = ["stage", "labels mIoU", "P/R", "val mIoU", "tags given", "fg mIoU", "Boundary IoU", "F", "changed", "s"];

export function stageTable(stages: readonly StageRecord[]): string {
  const rows = stages.map(({ name, labels, val, valGated, changedShare, seconds }) => {
    const precisionRecall = labels ? `${score(labels.precision)}/${score(labels.recall)}` : "-";
    const ious = [val?.miou, valGated?.miou, val?.fgMiou, val?.boundaryIou, val?.contours?.boundaryF];
    const changed = changedShare === null ? "-" : `${(changedShare * 100).toFixed(1)} %`;
    return [name, score(labels?.miou), precisionRecall, ...ious.map(score), changed, seconds.toFixed(0)];
  });
  // Who has no true masks has no scores: a table of dashes would look like a failure.
  const shown = head.flatMap((_, column) => (rows.some((row) => row[column] !== "-") ? [column] : []));
  const pick = <T>(cells: readonly T[]) => shown.map((column) => cells[column]!);
  const table = new Table({
    head: pick(head),
    colAligns: shown.map((column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(pick(row));
  return table.toString();
}

export function score(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : value.toFixed(4).replace(/^0/, "");
}
