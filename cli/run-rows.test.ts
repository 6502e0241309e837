import { describe, expect, test } from "vitest";
import type { ListedRun } from "../coordinator/adapters/run-store.js";
import type { StageRecord } from "../shared/data/run-record.js";
import { demoGain } from "./demo-gain.js";
import { localTime, runRow } from "./run-rows.js";

function stage(name: string, labelMiou: number | null, valMiou: number | null = null): StageRecord {
  const scores = (miou: number | null) =>
    miou === null
      ? null
      : {
          images: 1,
          miou,
          fgMiou: miou,
          boundaryIou: null,
          precision: null,
          recall: null,
          iou: {},
          backgroundIou: null,
          boundaryIouByClass: {},
          contours: null,
        };
  const rest = { valGated: null, losses: [], changedShare: null, labelVersion: null };
  return { name, labels: scores(labelMiou), val: scores(valMiou), seconds: 10, ...rest };
}

const stages = [stage("cam", 0.4), stage("seeds", 0.5), stage("round-1", 0.6, 0.55), stage("round-2", 0.7, 0.5)];

function run(state: "running" | "done", seconds = 0): ListedRun {
  const record = { runId: "r1", createdAt: "2026-01-02T03:04:05Z", state, seconds, config: { method: { rounds: 4 } } };
  return { dir: "runs/r1", record: record as unknown as ListedRun["record"], stages };
}

describe("a row of `runs`", () => {
  test("has the best validation score and the last label score", () => {
    const row = runRow(run("done", 99), { photos: 5, classes: ["a"] }, false);
    expect(row).toMatchObject({
      state: "done",
      bestValMiou: 0.55,
      labelMiou: 0.7,
      roundsDone: 2,
      rounds: 4,
      seconds: 99,
    });
  });

  test("a run that says running while nobody works on it was killed", () => {
    expect(runRow(run("running"), null, false).state).toBe("killed");
    expect(runRow(run("running"), null, true)).toMatchObject({ state: "running", photos: null, seconds: 40 });
  });
});

describe("the demo's gain", () => {
  test("is the last round's label mIoU over the CAM's", () => {
    const gain = demoGain(stages);
    expect(gain).toMatchObject({ camLabelMiou: 0.4, lastLabelMiou: 0.7, lastStage: "round 2" });
    expect(gain.ratio).toBeCloseTo(1.75);
  });

  test("is unknown without masks, or with a CAM that found nothing", () => {
    expect(demoGain([stage("cam", null), stage("round-1", null)]).ratio).toBeNull();
    expect(demoGain([stage("cam", 0), stage("round-1", 0.5)]).ratio).toBeNull();
  });
});

test("times are shown as the reader's clock has them", () => {
  const at = new Date(2026, 0, 2, 3, 4);
  expect(localTime(at.toISOString())).toBe("2026-01-02 03:04");
});
