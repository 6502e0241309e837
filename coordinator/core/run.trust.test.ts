/** Workers that are slow, wrong, leaving or half gone: who gets their work, and whom the run still believes. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  backupUnknownMs,
  beatTimeoutMs,
  probeAfterMs,
  strikesMax,
  workDeadlineMsMin,
  workTimeoutMs,
} from "../../shared/limits.js";
import { protocolVersion } from "../../shared/version.js";
import type { RunEffect, RunEvent } from "./events.js";
import type { MemberBeat } from "./members.js";
import { planRun } from "./plan.js";
import { type RunState, type StartOptions, startRun, step } from "./run.js";

const stage = { steps: 40, leafCount: 4 };
const plan = planRun({ classifier: stage, segmenter: stage, rounds: 1, trainShards: 2, valShards: 0 });

let state: RunState;
let nowMs: number;
let ended: RunEffect | null;

function begin(options: Partial<StartOptions> = {}): void {
  const base = { runId: "r", workersMin: 1, allowMixed: false, fingerprint: "tf", plan, phaseIndex: 0, nextStep: 0 };
  state = startRun({ ...base, ...options }).state;
  nowMs = 0;
  ended = null;
}
beforeEach(() => begin());

function on(event: RunEvent): RunEffect[] {
  const transition = step(state, event, nowMs);
  state = transition.state;
  ended ??= transition.effects.find(({ kind }) => kind === "finish") ?? null;
  return [...transition.effects];
}

function beat(workerId: string, fields: Partial<Pick<MemberBeat, "pid" | "state" | "fingerprint">> = {}): RunEffect[] {
  return on({ kind: "beat", beat: { workerId, protocolVersion, fingerprint: "tf", leasedBy: null, ...fields } });
}

/** They come before anything is given out, so that they share it. */
function join(...workerIds: string[]): void {
  on({ kind: "hold", reason: "not yet" });
  for (const workerId of workerIds) {
    beat(workerId, { pid: 1 });
    on({ kind: "attached", workerId });
  }
  on({ kind: "hold", reason: null });
}

/** What the worker has in hand. */
const idOf = (workerId: string) => state.pool.assignments.find((one) => one.workerId === workerId)!.id;
const done = (workerId: string, digest = "d") => on({ kind: "done", assignmentId: idOf(workerId), digest });
const bad = (workerId: string, isNumeric = false) => {
  return on({ kind: "bad", assignmentId: idOf(workerId), reason: "wrong", isNumeric });
};
const reports = (effects: readonly RunEffect[]) =>
  effects.flatMap((one) => (one.kind === "report" ? [one.record.kind] : []));
const assigned = (effects: readonly RunEffect[]) =>
  effects.flatMap((one) => (one.kind === "assign" ? [one.assignment] : []));

/** One worker does so many steps, each taking so long. */
function doSteps(workerId: string, count: number, tookMs: number): void {
  for (let i = 0; i < count; i++) {
    nowMs += tookMs;
    beat(workerId);
    done(workerId);
    on({ kind: "settled" });
  }
}

describe("a wrong result", () => {
  test("is thrown away and redone by somebody else", () => {
    join("w1", "w2");
    done("w1");
    const id = idOf("w2");
    expect(bad("w2")).toMatchObject([
      { kind: "discard", assignmentId: id },
      { kind: "report", record: { kind: "result-refused", workerId: "w2" } },
      { kind: "assign", assignment: { workerId: "w1", first: 2, end: 4 } },
    ]);
  });

  test(`the ${strikesMax}nd from one worker shuts it out, by name, for the rest of the run`, () => {
    join("w1", "w2");
    bad("w2");
    done("w1");
    if (state.pool.assignments.some(({ workerId }) => workerId === "w1")) done("w1");
    on({ kind: "settled" });
    const effects = bad("w2");
    expect(reports(effects)).toContain("worker-quarantined");
    expect(effects).toContainEqual(expect.objectContaining({ kind: "release", workerId: "w2" }));
    nowMs += 60_000;
    expect(reports(beat("w2"))).toEqual(["worker-refused"]);
    expect(assigned(effects).every(({ workerId }) => workerId === "w1")).toBe(true);
  });

  test("that is not a number from everybody ends the run: training has diverged", () => {
    join("w1");
    bad("w1", true);
    bad("w1", true);
    expect(ended).toMatchObject({ outcome: { state: "failed", code: "TRAINING_DIVERGED" } });
  });
});

describe("an audited piece", () => {
  beforeEach(() => {
    begin({ audit: 1 });
    join("w1");
  });

  test("counts when a second worker got the same bits", () => {
    const first = idOf("w1");
    expect(done("w1")).toMatchObject([
      { record: { kind: "waiting", reason: expect.stringContaining("second worker") } },
    ]);
    // The answer comes twice: the result that is held must not be thrown away.
    expect(on({ kind: "done", assignmentId: first, digest: "d" })).toEqual([]);
    join("w2");
    const second = idOf("w2");
    expect(done("w2").slice(0, 2)).toEqual([
      { kind: "accept", assignmentId: first },
      { kind: "discard", assignmentId: second },
    ]);
    expect(state.activity).toBe("settling");
  });

  test("with different bits names both; a third worker says who is wrong, and that one is shut out", () => {
    done("w1", "mine");
    join("w2");
    const mismatch = done("w2", "yours");
    expect(mismatch[0]).toMatchObject({ record: { kind: "audit-mismatch", workers: ["w1", "w2"] } });
    expect(state.waitingFor).toBe("waiting for one more worker: w1 and w2 got different results for the same work");
    join("w3");
    const effects = done("w3", "yours");
    expect(reports(effects)).toEqual(["worker-quarantined"]);
    expect(state.members.get("w1")).toMatchObject({ kind: "quarantined" });
    expect(state.activity).toBe("settling");
  });
});

describe("a slow piece", () => {
  test("is done by an idle worker as well; the first result wins, the other is thrown away", () => {
    join("w1", "w2");
    done("w1");
    nowMs = backupUnknownMs;
    beat("w1");
    beat("w2");
    expect(assigned(on({ kind: "tick" }))).toEqual([]);
    nowMs++;
    expect(assigned(on({ kind: "tick" }))).toMatchObject([{ workerId: "w1", first: 2, end: 4 }]);
    expect(assigned(on({ kind: "tick" }))).toEqual([]);
    const slow = idOf("w2");
    done("w1");
    expect(assigned(on({ kind: "settled" })).map(({ workerId }) => workerId)).toEqual(["w1"]);
    // It is busy with what nobody needs until it answers.
    const late = on({ kind: "done", assignmentId: slow, digest: "d" });
    expect(late[0]).toEqual({ kind: "discard", assignmentId: slow });
    expect(state.stragglers.size).toBe(0);
  });

  test("far beyond the usual time means a hang: known pace, short deadline; unknown pace, the longest", () => {
    join("w1");
    doSteps("w1", 8, 1_000);
    nowMs += workDeadlineMsMin;
    beat("w1");
    expect(reports(on({ kind: "tick" }))).toEqual([]);
    nowMs += 10_000;
    beat("w1");
    expect(reports(on({ kind: "tick" }))).toContain("worker-lost");
  });

  test("on work that does not count any more is a hang as well: the worker would be missed for nothing", () => {
    join("w1", "w2");
    for (let i = 0; i < 4; i++) {
      nowMs += 1_000;
      for (const workerId of ["w1", "w2"]) done(workerId);
      on({ kind: "settled" });
    }
    done("w1");
    nowMs += 10_000;
    for (const workerId of ["w1", "w2"]) beat(workerId);
    on({ kind: "tick" });
    done("w1");
    expect([...state.stragglers.keys()]).toEqual(["w2"]);
    nowMs += workDeadlineMsMin;
    for (const workerId of ["w1", "w2"]) beat(workerId);
    expect(reports(on({ kind: "tick" }))).toContain("worker-lost");
    expect(state.members.get("w2")).toMatchObject({ kind: "away", reason: expect.stringContaining("has worked on") });
  });

  test("of a worker that has just come has the longest deadline: its caches are cold", () => {
    join("w1");
    doSteps("w1", 8, 1_000);
    on({ kind: "lost", workerId: "w1", reason: "gone" });
    join("w2");
    nowMs += workTimeoutMs;
    beat("w2");
    expect(reports(on({ kind: "tick" }))).toEqual([]);
    nowMs++;
    expect(reports(on({ kind: "tick" }))).toContain("worker-lost");
  });
});

describe("a worker that leaves", () => {
  test("finishes its piece, gets no other, and is let go", () => {
    join("w1", "w2");
    expect(reports(beat("w2", { state: "draining" }))).toEqual(["worker-draining"]);
    done("w1");
    const effects = done("w2");
    expect(effects).toContainEqual(expect.objectContaining({ kind: "release", workerId: "w2" }));
    expect(reports(effects)).toContain("worker-drained");
    expect(assigned(on({ kind: "settled" })).map(({ workerId }) => workerId)).toEqual(["w1"]);
    nowMs += 60_000;
    expect(beat("w2", { state: "draining" })).toMatchObject([{ record: { reason: "is shutting down" } }]);
  });

  test("and one that was started again under its name is taken in anew, at once", () => {
    join("w1");
    expect(reports(beat("w1", { pid: 2 }))).toEqual(["worker-lost"]);
    expect(beat("w1", { pid: 2 })).toMatchObject([{ kind: "attach", workerId: "w1", attempt: 2 }]);
  });
});

describe("a message of an earlier attempt", () => {
  test("says nothing about the present one", () => {
    join("w1");
    const old = idOf("w1");
    on({ kind: "lost", workerId: "w1", assignmentId: old, reason: "unreachable" });
    nowMs += 60_000;
    join("w1");
    expect(on({ kind: "lost", workerId: "w1", assignmentId: old, reason: "late" })).toEqual([]);
    expect(on({ kind: "lost", workerId: "w1", attempt: 1, reason: "late" })).toEqual([]);
    expect(state.members.get("w1")?.kind).toBe("active");
  });
});

test("missed beats are asked after by gRPC; a worker that answers is no lost one", () => {
  join("w1");
  nowMs = probeAfterMs + 1;
  expect(on({ kind: "tick" })).toEqual([{ kind: "probe", workerId: "w1" }]);
  expect(on({ kind: "tick" })).toEqual([]);
  on({ kind: "alive", workerId: "w1" });
  nowMs = beatTimeoutMs + 1;
  expect(reports(on({ kind: "tick" }))).toEqual([]);
});

test("work that fails again and again on one of several workers gives that one a rest", () => {
  join("w1", "w2");
  const fail = () => on({ kind: "failed", assignmentId: idOf("w2"), reason: "no memory" });
  let effects = fail();
  for (let i = 0; i < 12 && !reports(effects).includes("worker-lost"); i++) {
    if (state.pool.assignments.some(({ workerId }) => workerId === "w1")) done("w1");
    if (state.activity === "settling") on({ kind: "settled" });
    if (state.pool.assignments.some(({ workerId }) => workerId === "w2")) effects = fail();
  }
  expect(state.members.get("w2")).toMatchObject({ kind: "away", reason: expect.stringContaining("3 times in a row") });
  expect(ended).toBeNull();
});

test("nothing is begun while there is no room, and it goes on by itself", () => {
  on({ kind: "hold", reason: "the disk is nearly full" });
  beat("w1");
  on({ kind: "attached", workerId: "w1" });
  expect(state.waitingFor).toBe("the disk is nearly full");
  expect(assigned(on({ kind: "hold", reason: null }))).toHaveLength(1);
});

test("a worker with another engine, taken because mixing is allowed, comes with what that costs", () => {
  begin({ allowMixed: true });
  expect(reports(beat("w1"))).toEqual([]);
  const [, mixed] = beat("w2", { fingerprint: "tf 2 threads" });
  expect(mixed).toMatchObject({
    record: { kind: "worker-mixed", reason: expect.stringContaining("no longer reproducible bit by bit") },
  });
});

test("a lost worker's event says how many micro-batches are to be done again", () => {
  join("w1", "w2");
  const lost = on({ kind: "lost", workerId: "w1", reason: "gone" }).find(({ kind }) => kind === "report");
  expect(lost).toMatchObject({ record: { kind: "worker-lost", lostUnits: 2 } });
});
