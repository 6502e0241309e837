import { describe, expect, test } from "vitest";
import { runStatusSchema } from "../shared/net/subjects.js";
import { protocolVersion } from "../shared/version.js";
import { planRun } from "./core/plan.js";
import { type RunState, startRun, step } from "./core/run.js";
import { describeRun } from "./status.js";
import { Throughput } from "./throughput.js";

const plan = planRun({
  classifier: { steps: 3, leafCount: 2 },
  segmenter: { steps: 3, leafCount: 2 },
  rounds: 2,
  trainShards: 4,
  valShards: 0,
});

function started(): RunState {
  const options = { runId: "r", workersMin: 1, allowMixed: false, fingerprint: null, plan, phaseIndex: 0 };
  return step(startRun(options).state, { kind: "tick" }, 0).state;
}

function withWorker(state: RunState): RunState {
  const beat = { workerId: "w1", protocolVersion, fingerprint: "tf", leasedBy: null };
  const seen = step(state, { kind: "beat", beat }, 0).state;
  return step(seen, { kind: "attached", workerId: "w1" }, 0).state;
}

function describeState(state: RunState) {
  const extra = { runDir: "/runs/r", loss: 0.5, beats: new Map(), nowMs: 0, at: "2026-01-01T00:00:00Z" };
  const status = describeRun(state, new Throughput(), extra);
  expect(runStatusSchema.parse(status)).toEqual(status);
  return status;
}

describe("the status", () => {
  test("of a run without workers says what it waits for", () => {
    expect(describeState(started())).toMatchObject({
      state: "waiting",
      reason: "waiting for workers: 0 of at least 1",
      phase: "classifier",
      rounds: 2,
      done: 0,
      total: 3,
      workers: [],
    });
  });

  test("counts steps while it trains, and shows the loss", () => {
    let state = withWorker(started());
    for (const id of ["classify/init#0", "classify/0#0"]) {
      state = step(step(state, { kind: "done", assignmentId: id }, 0).state, { kind: "settled" }, 0).state;
    }
    expect(describeState(state)).toMatchObject({ state: "running", reason: "", done: 1, total: 3, loss: 0.5 });
  });

  test("counts shards while it maps, where a loss says nothing", () => {
    let state = withWorker({ ...started(), phaseIndex: 1, purpose: { kind: "map" } });
    state = { ...state, pool: { ...state.pool, units: ["done", "assigned", "pending", "pending"] } };
    expect(describeState(state)).toMatchObject({ phase: "seeding", done: 1, total: 4, loss: null });
  });

  test("says of a worker that is away why", () => {
    const lost = step(withWorker(started()), { kind: "lost", workerId: "w1", reason: "crashed" }, 0).state;
    expect(describeState(lost).workers).toEqual([
      {
        ...{ workerId: "w1", host: "?", state: "away: crashed", imagesPerSecond: 0, waitShare: 0 },
        ...{ engine: "", device: "", rssBytes: null, beatAt: null },
      },
    ]);
  });

  test("tells a worker's engine, memory, and when it was last heard", () => {
    const beat = {
      ...{ workerId: "w1", protocolVersion, seedgrowVersion: "0", host: "gpu7", pid: 1, address: "gpu7:1" },
      ...{ engine: "tf 2", device: "A100", fingerprint: "tf", threads: 1, leasedBy: null, state: "ready" as const },
      rssBytes: 3e9,
    };
    const beats = new Map([["w1", { beat, heardMs: 500 }]]);
    const extra = { runDir: "", loss: null, beats, nowMs: 2_500, at: "2026-01-01T00:00:10.000Z" };
    expect(describeRun(withWorker(started()), new Throughput(), extra).workers[0]).toMatchObject({
      ...{ host: "gpu7", engine: "tf 2", device: "A100", rssBytes: 3e9, beatAt: "2026-01-01T00:00:08.000Z" },
    });
  });

  test("of an ended run is `stopping` until everything is written", () => {
    expect(describeState(step(started(), { kind: "stop", reason: "interrupted" }, 0).state).state).toBe("stopping");
  });
});
