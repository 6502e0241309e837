/** Local steps (cluster.sync local): outer rounds of replicas, each a piece of work that any worker can do. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import { workDeadlineMsMin, workTimeoutMs } from "../../shared/limits.js";
import { protocolVersion } from "../../shared/version.js";
import type { RunEffect, RunEvent } from "./events.js";
import { outerRound, planRun } from "./plan.js";
import { type RunState, startRun, step } from "./run.js";
import { Transcript } from "./testing.js";
import type { Assignment } from "./work-pool.js";

const replicas = 3;
const local = { replicas, steps: 2 };
const stage = { steps: 5, leafCount: 6, local };
const plan = planRun({ classifier: stage, segmenter: stage, rounds: 1, trainShards: 1, valShards: 0 });

describe("a stage of local steps", () => {
  test("goes round by round, the last one shorter, a replica at a time", () => {
    const run = new Transcript({ plan });
    run.join("w1");
    run.join("w2");
    run.done("classify/init#0");
    expect(run.settled()).toEqual(["assign classify/0#0 to w1 [0,1)", "assign classify/0#1 to w2 [1,2)"]);
    expect(run.done("classify/0#0")).toEqual(["accept classify/0#0", "assign classify/0#2 to w1 [2,3)"]);
    run.done("classify/0#1");
    expect(run.done("classify/0#2")).toContain('settle classify {"kind":"step","step":0}');
    expect(run.settled()).toContain("outer-round classify");
    expect(run.state.purpose).toEqual({ kind: "step", step: 2 });
    for (const id of ["classify/2#0", "classify/2#1", "classify/2#2"]) run.done(id);
    run.settled();
    for (const id of ["classify/4#0", "classify/4#1"]) run.done(id);
    expect(run.done("classify/4#2")).toContain('settle classify {"kind":"step","step":4} last');
    expect([0, 2, 4].map((at) => outerRound(plan[0]!, at))).toEqual([1, 2, 3].map((number) => ({ number, of: 3 })));
  });

  test("goes on from a checkpoint at a round's beginning", () => {
    const run = new Transcript({ plan, nextStep: 2 });
    run.beat("w1");
    expect(run.on({ kind: "attached", workerId: "w1" })).toContain("assign classify/2#0 to w1 [0,1)");
  });

  test("says of a worker beyond the replicas that it has none", () => {
    const run = new Transcript({ plan });
    for (const id of ["w1", "w2", "w3"]) expect(run.join(id).join()).not.toContain("surplus");
    expect(run.join("w4")).toContain("worker-surplus w4");
  });

  test("gives a lost worker's replica to another, and a draining one no second", () => {
    const run = new Transcript({ plan });
    for (const id of ["w1", "w2"]) run.join(id);
    run.done("classify/init#0");
    run.settled();
    run.on({
      kind: "beat",
      beat: { workerId: "w2", protocolVersion, fingerprint: "tf", leasedBy: null, state: "draining" },
    });
    expect(run.done("classify/0#1")).toContain("worker-drained w2");
    run.beat("w3");
    run.on({ kind: "attached", workerId: "w3" });
    const lost = run.on({ kind: "lost", workerId: "w1", reason: "crashed" });
    expect(lost.join()).toContain("worker-lost w1");
    run.done("classify/0#2");
    const again = run.state.pool.assignments.map(({ workerId, first }) => `${workerId} ${first}`);
    expect(again).toEqual(["w3 0"]);
  });

  test("lets a replica take its steps' time before it counts as hung", () => {
    const run = new Transcript({ plan });
    run.join("w1");
    run.done("classify/init#0");
    run.settled();
    const alive = () => run.on({ kind: "alive", workerId: "w1" });
    run.nowMs = workTimeoutMs + workDeadlineMsMin;
    alive();
    expect(run.on({ kind: "tick" }).join()).not.toContain("worker-lost");
    run.nowMs = 2 * workTimeoutMs + 1;
    alive();
    expect(run.on({ kind: "tick" }).join()).toContain(`for over ${2 * workTimeoutMs} ms`);
  });
});

/** A world whose parameters are a hash of all that they should be a function of. */
class World {
  state: RunState;
  weights = "start";
  private readonly open = new Map<string, { assignment: Assignment; moved: string }>();
  private moves = new Map<number, string>();
  outcome: string | null = null;

  constructor() {
    const options = { runId: "r", workersMin: 1, allowMixed: false, fingerprint: null, phaseIndex: 0 };
    this.state = startRun({ ...options, plan: plan.slice(0, 1) }).state;
  }

  on(event: RunEvent, nowMs = 0): void {
    const { state, effects } = step(this.state, event, nowMs);
    this.state = state;
    for (const effect of effects) this.perform(effect);
  }

  private perform(effect: RunEffect): void {
    if (effect.kind === "assign") {
      const { assignment, purpose } = effect;
      const moved = sha256(Buffer.from(JSON.stringify([this.weights, purpose, assignment.first])));
      this.open.set(assignment.id, { assignment, moved });
    }
    if (effect.kind === "accept") {
      const { assignment, moved } = this.open.get(effect.assignmentId)!;
      if (this.state.purpose.kind === "step") {
        expect(this.moves.has(assignment.first), "a replica counts once").toBe(false);
        this.moves.set(assignment.first, moved);
      }
    }
    if (effect.kind === "settle" && effect.purpose.kind === "step") {
      const inOrder = [...this.moves].sort(([a], [b]) => a - b);
      expect(inOrder.map(([replica]) => replica)).toEqual([0, 1, 2]);
      this.weights = sha256(Buffer.from(JSON.stringify(inOrder)));
      this.moves = new Map();
    }
    if (effect.kind === "finish") this.outcome = effect.outcome.state;
  }

  join(workerId: string): void {
    this.on({ kind: "beat", beat: { workerId, protocolVersion, fingerprint: "tf", leasedBy: null } });
    this.on({ kind: "attached", workerId });
  }

  /** Answers one piece of work, or what was asked for long ago. */
  answer(pick: number, kind: "done" | "lost"): void {
    const ids = [...this.open.keys()];
    const id = ids[pick % Math.max(1, ids.length)];
    if (id === undefined) return;
    const { workerId } = this.open.get(id)!.assignment;
    this.on(kind === "done" ? { kind, assignmentId: id } : { kind, workerId, reason: "crashed" });
    // A dead worker's answer may still come: it is on its way.
    if (kind === "done") this.open.delete(id);
  }

  get isSettling(): boolean {
    return this.state.activity === "settling";
  }
}

const schedules = fc.record({
  workers: fc.integer({ min: 1, max: 5 }),
  troubles: fc.array(fc.record({ pick: fc.nat(50), isLoss: fc.boolean(), joins: fc.boolean() }), { maxLength: 40 }),
});

test("1 to 5 workers arrive at the same parameters, whoever is lost when", () => {
  const arrive = ({ workers, troubles }: { workers: number; troubles: readonly Trouble[] }) => {
    const world = new World();
    for (let i = 1; i <= workers; i++) world.join(`w${i}`);
    let spares = 0;
    for (const { pick, isLoss, joins } of troubles) {
      world.answer(pick, isLoss ? "lost" : "done");
      if (joins) world.join(`spare-${spares++ % 3}`);
      if (world.isSettling) world.on({ kind: "settled" });
    }
    world.join("last");
    for (let i = 0; i < 200 && world.outcome === null; i++) {
      if (world.isSettling) world.on({ kind: "settled" });
      else world.answer(i, "done");
    }
    expect(world.outcome).toBe("done");
    return world.weights;
  };
  const expected = arrive({ workers: 1, troubles: [] });
  fc.assert(
    fc.property(schedules, (schedule) => {
      expect(arrive(schedule)).toBe(expected);
    }),
    { numRuns: 300 },
  );
});

interface Trouble {
  readonly pick: number;
  readonly isLoss: boolean;
  readonly joins: boolean;
}
