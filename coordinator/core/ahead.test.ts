/** What workers are told of a step's reduce while they compute, against the orders that they get. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aheadWorkersMax } from "../../shared/limits.js";
import { protocolVersion } from "../../shared/version.js";
import { type ExpectedReduce, expectedReduce } from "./ahead.js";
import type { RunEffect, RunEvent } from "./events.js";
import { planRun } from "./plan.js";
import { type RunState, startRun, step } from "./run.js";

type Assign = Extract<RunEffect, { kind: "assign" }>;
const fixed = { runId: "r", workersMin: 1, allowMixed: false, fingerprint: null, phaseIndex: 0 } as const;

/** A run whose workers answer when they are told to. */
class Run {
  state: RunState;
  nowMs = 0;
  open: Assign[] = [];
  /** With each micro-batch order, in each step. */
  readonly told: (ExpectedReduce | null)[] = [];
  readonly ordered: Assign[] = [];

  constructor(workers: number, leafCount: number, steps: number, audit = 0) {
    const stage = { steps, leafCount };
    const plan = planRun({ classifier: stage, segmenter: stage, rounds: 1, trainShards: 1, valShards: 0 });
    this.state = startRun({ ...fixed, plan, audit, topology: "sharded" }).state;
    for (let i = 0; i < workers; i++) this.join(`w${i}`);
    this.done(0);
    this.on({ kind: "settled" });
  }

  join(workerId: string): void {
    this.on({ kind: "beat", beat: { workerId, protocolVersion, fingerprint: "tf", leasedBy: null } });
    this.on({ kind: "attached", workerId });
  }

  on(event: RunEvent): void {
    const { state, effects } = step(this.state, event, this.nowMs);
    this.state = state;
    for (const effect of effects) {
      if (effect.kind === "settle") this.on({ kind: "settled" });
      if (effect.kind !== "assign") continue;
      this.open.push(effect);
      if (effect.purpose.kind === "step") this.told.push(expectedReduce(state));
      if (effect.purpose.kind === "reduce") this.ordered.push(effect);
    }
  }

  /** One of the open pieces is done. */
  done(pick: number): void {
    const [one] = this.open.splice(pick % this.open.length, 1);
    this.on({ kind: "done", assignmentId: one!.assignment.id, digest: "same" });
  }
}

const inOrder = (sums: ExpectedReduce["sums"]) => [...sums].sort((a, b) => a.first - b.first);

test("whoever is quick or slow, what was told is what is ordered, as long as nobody is lost or done again", () => {
  const steps = 4;
  // Seven of them are less than the age at which a piece is done by another one as well.
  const waitsMs = fc.nat(100);
  const picks = fc.array(fc.tuple(fc.nat(1_000), waitsMs), { minLength: 20, maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 17 }), picks, (workers, leafCount, times) => {
      const run = new Run(workers, leafCount, steps);
      for (let i = 0, seen = 0; run.open[0]?.phase.kind === "classify"; i++) {
        const [pick, waitMs] = times[i % times.length]!;
        run.nowMs += waitMs;
        const { told } = run;
        run.ordered.length = 0;
        run.done(pick);
        if (run.ordered.length === 0) continue;
        const { exchange } = run.state;
        expect(run.ordered.map(({ assignment }) => assignment.workerId)).toEqual(told.at(-1)!.owners);
        expect(run.ordered.map(({ assignment }) => assignment.first)).toEqual(told.at(-1)!.owners.map((_, i) => i));
        expect(inOrder(exchange!.sums)).toEqual(inOrder(told.at(-1)!.sums));
        expect(new Set(told.slice(seen).map((one) => JSON.stringify(one))).size).toBe(1);
        seen = told.length;
      }
      expect(run.told.length).toBeGreaterThanOrEqual(steps);
    }),
    { numRuns: 200 },
  );
});

describe("nothing is told", () => {
  test("while micro-batches wait for somebody", () => {
    const run = new Run(2, 4, 1);
    run.on({ kind: "lost", workerId: "w1", reason: "crashed" });
    expect(run.state.pool.units).toContain("pending");
    expect(expectedReduce(run.state)).toBeNull();
  });

  test("to more workers than a limit", () => {
    expect(new Run(aheadWorkersMax, 128, 1).told[0]!.owners).toHaveLength(aheadWorkersMax);
    expect(new Run(aheadWorkersMax + 1, 128, 1).told[0]).toBeNull();
  });

  test("of any other work than a step's micro-batches", () => {
    const run = new Run(2, 2, 1);
    run.done(0);
    run.done(0);
    expect(run.state.purpose.kind).toBe("reduce");
    expect(expectedReduce(run.state)).toBeNull();
  });
});

test("of two that compute the same, the one that was asked first is told of", () => {
  const run = new Run(3, 2, 1, 1);
  const [first] = run.open;
  run.done(0);
  const again = run.open.find(({ assignment }) => assignment.first === 0);
  expect(again!.assignment.workerId).not.toBe(first!.assignment.workerId);
  expect(run.told.at(-1)!.sums.find((sum) => sum.first === 0)!.assignmentId).toBe(first!.assignment.id);
});
