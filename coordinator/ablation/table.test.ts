import { describe, expect, test } from "vitest";
import type { StageRecord } from "../../shared/data/run-record.js";
import { countImage, emptyCounts, scoresOf } from "../../shared/math/scores.js";
import {
  type CellOutcome,
  type Measured,
  measuredOf,
  statisticOf,
  statisticText,
  tableMarkdown,
  tableRows,
} from "./table.js";

function scores(predicted: number[]) {
  const counts = emptyCounts(1, { contours: true });
  countImage(counts, Uint8Array.of(0, 0, 1, 1), Uint8Array.from(predicted), 4, 1);
  return scoresOf(counts, ["horse"]);
}

function stage(name: string, change: Partial<StageRecord>): StageRecord {
  const none = { labels: null, val: null, valGated: null, losses: [], changedShare: null, labelVersion: null };
  return { name, seconds: 1, ...none, ...change };
}

const stages = [
  stage("seeds", { labels: scores([1, 1, 1, 1]) }),
  stage("round-1", { labels: scores([0, 1, 1, 1]), val: scores([1, 1, 1, 1]), valGated: scores([0, 0, 1, 1]) }),
  stage("round-2", { labels: scores([0, 0, 1, 1]), val: scores([0, 1, 1, 1]), valGated: scores([0, 0, 1, 1]) }),
];

function cell(variant: string, seed: number, change: Partial<CellOutcome> = {}): CellOutcome {
  const command = ["train", "--data", "my photos", "--seed", String(seed)];
  const open = { state: "open", error: null, measured: null, command, runDir: null } as const;
  return { id: `photos.${variant}.seed-${seed}`, dataset: "photos", variant, seed, ...open, ...change };
}

function done(variant: string, seed: number, valMiou: number | null): CellOutcome {
  const measured: Measured = { ...measuredOf(stages, 60 * seed), valMiou };
  return cell(variant, seed, { state: "done", measured });
}

const failure = { code: "TRAINING_DIVERGED", message: "the gradient of step 3 is not finite\nmore" };

test("what is measured of a run is its last labels and its last validation", () => {
  expect(measuredOf(stages, 12)).toMatchObject({
    labelMiou: 1,
    labelPrecision: 1,
    labelRecall: 1,
    valFgMiou: 2 / 3,
    valMiou: (1 / 2 + 2 / 3) / 2,
    valGatedMiou: 1,
    valBoundaryIou: 2 / 3,
    valGatedBoundaryF: 1,
    seconds: 12,
  });
  expect(measuredOf([], 3)).toMatchObject({ labelMiou: null, valMiou: null, trimap2: null, seconds: 3 });
});

describe("a statistic", () => {
  test("is the mean with the deviation of a sample", () => {
    expect(statisticOf([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, deviation: Math.sqrt(32 / 7) });
    expect(statisticOf([3])).toEqual({ mean: 3, deviation: null });
    expect(statisticOf([])).toBeNull();
  });

  test("reads like a score", () => {
    expect(statisticText("valMiou", { mean: 0.8716, deviation: 0.0061 })).toBe(".872 ± .006");
    expect(statisticText("valMiou", { mean: 1, deviation: null })).toBe("1.000");
    expect(statisticText("valMiou", null)).toBe("–");
    expect(statisticText("seconds", { mean: 60, deviation: 3 })).toBe("1 min 0 s");
  });
});

describe("the table", () => {
  const cells = [
    done("default", 1, 0.8),
    done("boxsup", 1, 0.7),
    done("default", 2, 0.9),
    cell("boxsup", 2, { state: "failed", error: failure }),
    cell("boxsup", 3),
  ];
  const rows = tableRows(cells, { boxsup: "by lot" });

  test("has a row per variant, with what is done, open and failed", () => {
    expect(rows.map(({ variant, done: seeds, open }) => [variant, seeds, open])).toEqual([
      ["default", [1, 2], []],
      ["boxsup", [1], [3]],
    ]);
    expect(rows[0]!.metrics.valMiou!.mean).toBeCloseTo(0.85);
    expect(rows[1]!.failed).toEqual([{ seed: 2, ...failure }]);
  });

  test("shows no mean where one of the seeds was not measured", () => {
    const [row] = tableRows([done("default", 1, 0.8), done("default", 2, null)], {});
    expect([row!.metrics.valMiou, row!.metrics.labelMiou?.mean]).toEqual([null, 1]);
  });

  test("is Markdown with every row's command, and says what failed", () => {
    const text = tableMarkdown({ rows, sheets: { photos: "sheet-photos.jpg" }, seedgrowVersion: "1.2.3" });
    expect(text).toMatch(/^\| default \| 2 \| 1\.000 ± \.000 .* \| \.850 ± \.071 \|/m);
    expect(text).toContain("| boxsup: by lot | 1 of 3 (1 TRAINING_DIVERGED, 1 open) |");
    expect(text).toContain("- photos, boxsup, seed 2: `TRAINING_DIVERGED` the gradient of step 3 is not finite\n");
    expect(text).toContain("- photos, default: `seedgrow train --data 'my photos' --seed 1`");
    expect(text).toContain("![masks of every variant](sheet-photos.jpg)");
    const widths = text
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.split("|").length);
    expect(new Set(widths).size).toBe(1);
  });
});
