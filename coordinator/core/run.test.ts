/** What a run does about workers that come, work, fail and go. */
import { describe, expect, test } from "vitest";
import { beatTimeoutMs, retryWorkerMs, unitAttemptsMax, workTimeoutMs } from "../../shared/limits.js";
import { currentPhase, startRun } from "./run.js";
import { lineOf, plan, Transcript } from "./testing.js";

describe("one worker", () => {
  test("does a whole stage: initial parameters, the step's micro-batches, then the seeds", () => {
    const run = new Transcript();
    expect(run.on({ kind: "tick" })).toEqual(["waiting waiting for workers: 0 of at least 1"]);
    expect(run.beat("w1")).toEqual(["attach w1"]);
    expect(run.on({ kind: "attached", workerId: "w1" })).toEqual([
      "worker-joined w1",
      "running",
      "assign classify/init#0 to w1 [0,1)",
    ]);
    expect(run.done("classify/init#0")).toEqual(["accept classify/init#0", 'settle classify {"kind":"init"}']);
    expect(run.settled()).toEqual(["assign classify/0#0 to w1 [0,2)"]);
    expect(run.done("classify/0#0")).toEqual(["accept classify/0#0", 'settle classify {"kind":"step","step":0} last']);
    expect(run.settled()).toEqual(["phase-done classify", "phase-started seed", "assign seed/map#0 to w1 [0,1)"]);
    expect(run.done("seed/map#0")).toEqual(["accept seed/map#0", "assign seed/map#1 to w1 [1,2)"]);
    expect(run.done("seed/map#1")).toEqual(["accept seed/map#1", 'settle seed {"kind":"map"}']);
  });

  test("carries the run to its end, after which late results are thrown away", () => {
    const run = new Transcript();
    run.join("w1");
    run.skipTo("evaluate-2");
    const [last] = run.state.pool.assignments;
    run.done(last!.id);
    expect(run.settled()).toEqual(["phase-done evaluate-2", "finish done: all phases are complete"]);
    expect(run.done("evaluate-2/map#7")).toEqual(["discard evaluate-2/map#7"]);
    expect(run.on({ kind: "tick" })).toEqual([]);
    expect(run.beat("w2")).toEqual([]);
    expect(currentPhase(run.state).kind).toBe("evaluate");
  });
});

describe("several workers", () => {
  test("share a step in runs of micro-batches; it is settled when the last result is in, in any order", () => {
    const run = new Transcript();
    run.join("w1");
    run.skipTo("train-1");
    run.join("w2");
    run.done("train-1/init#0");
    expect(run.settled()).toEqual(["assign train-1/0#0 to w1 [0,2)", "assign train-1/0#1 to w2 [2,4)"]);
    expect(run.done("train-1/0#1")).toEqual(["accept train-1/0#1"]);
    expect(run.done("train-1/0#0").at(-1)).toBe('settle train {"kind":"step","step":0}');
  });

  test("one is lost in mid-step: the others do its part, and its late result does not count", () => {
    const run = new Transcript();
    run.join("w1");
    run.skipTo("train-1");
    run.join("w2");
    run.done("train-1/init#0");
    run.settled();
    expect(run.on({ kind: "lost", workerId: "w2", reason: "unreachable" })).toEqual([
      "release w2",
      "worker-lost w2 unreachable",
    ]);
    expect(run.done("train-1/0#0")).toEqual(["accept train-1/0#0", "assign train-1/0#2 to w1 [2,4)"]);
    expect(run.done("train-1/0#1")).toEqual(["discard train-1/0#1"]);
    expect(run.done("train-1/0#2").at(-1)).toBe('settle train {"kind":"step","step":0}');
    expect(run.done("train-1/0#2")).toEqual(["discard train-1/0#2"]);
  });

  test("one joins in mid-phase and gets work at once", () => {
    const run = new Transcript();
    run.join("w1");
    run.skipTo("seed");
    expect(run.join("w2")).toEqual(["attach w2", "worker-joined w2", "assign seed/map#1 to w2 [1,2)"]);
  });

  test("fewer than workersMin pause the run, which says so once and goes on when they are back", () => {
    const run = new Transcript({ workersMin: 2 });
    run.on({ kind: "tick" });
    expect(run.join("w1")).toEqual(["attach w1", "worker-joined w1", "waiting waiting for workers: 1 of at least 2"]);
    expect(run.on({ kind: "tick" })).toEqual([]);
    expect(run.join("w2").slice(1)).toEqual(["worker-joined w2", "running", "assign classify/init#0 to w1 [0,1)"]);
    expect(run.on({ kind: "lost", workerId: "w2", reason: "crashed" })).toContain(
      "waiting waiting for workers: 1 of at least 2",
    );
    expect(run.state.waitingFor).toBe("waiting for workers: 1 of at least 2");
  });
});

describe("losing a worker", () => {
  test("that falls silent: its work goes to others, and it is asked again after a pause", () => {
    const run = new Transcript();
    run.join("w1");
    run.nowMs = beatTimeoutMs + 1;
    run.join("w2");
    const reason = `silent for ${run.nowMs} ms (limit ${beatTimeoutMs})`;
    expect(run.on({ kind: "tick" })).toEqual([
      "release w1",
      `worker-lost w1 ${reason}`,
      "assign classify/init#2 to w2 [0,1)",
    ]);
    expect(run.beat("w1")).toEqual([`worker-refused w1 ${reason}`]);
    expect(run.beat("w1")).toEqual([]);
    run.nowMs += retryWorkerMs;
    expect(run.beat("w1")).toEqual(["attach w1"]);
  });

  test("that beats but never answers", () => {
    const run = new Transcript();
    run.join("w1");
    run.nowMs = workTimeoutMs + 1;
    run.beat("w1");
    expect(run.on({ kind: "tick" })).toContain(
      `worker-lost w1 has worked on classify/init#0 for over ${workTimeoutMs} ms`,
    );
  });

  test("while it attaches; a late answer makes it no member", () => {
    const run = new Transcript();
    run.beat("w1");
    expect(run.on({ kind: "lost", workerId: "w1", reason: "cannot attach" })[0]).toBe("release w1");
    expect(run.on({ kind: "attached", workerId: "w1" })).toEqual([]);
    expect(run.on({ kind: "lost", workerId: "w1", reason: "again" })).toEqual([]);
    expect(run.on({ kind: "lost", workerId: "stranger", reason: "?" })).toEqual([]);
  });
});

describe("failing work", () => {
  test("is tried again; the same unit failing too often ends the run with its reason", () => {
    const run = new Transcript();
    run.join("w1");
    for (let attempt = 0; attempt < unitAttemptsMax - 1; attempt++) {
      const [assignment] = run.state.pool.assignments;
      const lines = run.on({ kind: "failed", assignmentId: assignment!.id, reason: "out of memory" });
      expect(lines).toEqual(["work-failed out of memory", `assign classify/init#${attempt + 1} to w1 [0,1)`]);
    }
    const [assignment] = run.state.pool.assignments;
    expect(run.on({ kind: "failed", assignmentId: assignment!.id, reason: "out of memory" })).toEqual([
      "work-failed out of memory",
      "finish failed: out of memory",
    ]);
  });

  test("of a worker that was given up is nobody's failure", () => {
    const run = new Transcript();
    run.join("w1");
    expect(run.on({ kind: "failed", assignmentId: "classify/init#9", reason: "late" })).toEqual([]);
  });
});

describe("the engine", () => {
  test("of the first worker is the run's: another is refused, once", () => {
    const run = new Transcript();
    run.join("w1");
    run.done("classify/init#0");
    run.on({ kind: "lost", workerId: "w1", reason: "crashed" });
    expect(run.beat("w2", { fingerprint: "other" })[0]).toMatch(
      /^worker-refused w2 computes with "other", the run with "tf"/,
    );
    expect(run.beat("w2", { fingerprint: "other" })).toEqual([]);
  });

  test("of somebody who left before any result counted binds nobody", () => {
    const run = new Transcript();
    run.beat("w1");
    expect(run.beat("w2", { fingerprint: "other" })[0]).toMatch(/^worker-refused w2 computes with/);
    run.on({ kind: "lost", workerId: "w1", reason: "cannot attach" });
    expect(run.beat("w2", { fingerprint: "other" })).toEqual(["attach w2"]);
  });

  test("of a resumed run is that of its earlier sittings", () => {
    const run = new Transcript({ fingerprint: "other", phaseIndex: 3 });
    expect(run.beat("w1")[0]).toMatch(/^worker-refused w1/);
    expect(currentPhase(run.state)).toMatchObject({ kind: "refine", round: 1 });
  });
});

describe("the end", () => {
  test.each([
    [{ kind: "stop", reason: "interrupted" }, "finish stopped: interrupted"],
    [{ kind: "fail", reason: "disk full" }, "finish failed: disk full"],
  ] as const)("%o comes at once", (event, line) => {
    const run = new Transcript();
    run.join("w1");
    expect(run.on(event)).toEqual([line]);
    expect(run.on(event)).toEqual([]);
  });

  test("the stop rule ends the rounds after this one's evaluation", () => {
    const run = new Transcript();
    run.join("w1");
    run.skipTo("refine-1");
    for (let i = 0; i < 2; i++) run.done(run.state.pool.assignments[0]!.id);
    expect(run.settled("labels agree").slice(0, 3)).toEqual([
      "phase-done refine-1",
      "rounds-ended labels agree",
      "phase-started evaluate-1",
    ]);
    run.done(run.state.pool.assignments[0]!.id);
    expect(run.settled().at(-1)).toBe("finish done: all phases are complete");
  });

  test("of a run that was complete already comes at its start", () => {
    expect(startRun({ ...new Transcript().state, phaseIndex: plan.length }).effects.map(lineOf)).toEqual([
      "finish done: all phases are complete",
    ]);
  });

  test("a second `settled` means nothing", () => {
    const run = new Transcript();
    run.join("w1");
    expect(run.settled()).toEqual([]);
  });
});
