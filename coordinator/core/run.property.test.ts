/**
 * The run under random schedules of beats, losses, results, failures, duplicates and silences. Safety is checked after
 * every event; then the trouble ends, and the run must end as well.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { protocolVersion } from "../../shared/version.js";
import type { Purpose, RunEffect, RunEvent } from "./events.js";
import { isTraining, type Phase, phaseKey, planRun } from "./plan.js";
import { type RunState, startRun, step, type Transition } from "./run.js";
import { type Assignment, busyWorkers } from "./work-pool.js";

const shapes = fc.record({
  classifierSteps: fc.integer({ min: 1, max: 2 }),
  segmenterSteps: fc.integer({ min: 1, max: 3 }),
  leafCount: fc.integer({ min: 1, max: 6 }),
  rounds: fc.integer({ min: 1, max: 2 }),
  trainShards: fc.integer({ min: 1, max: 4 }),
  valShards: fc.integer({ min: 0, max: 2 }),
  workersMin: fc.integer({ min: 1, max: 2 }),
});
type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never;

const operations = fc.array(
  fc.record({
    kind: fc.oneof(
      { weight: 3, arbitrary: fc.constant("beat") },
      { weight: 3, arbitrary: fc.constant("attached") },
      { weight: 6, arbitrary: fc.constant("done") },
      { weight: 4, arbitrary: fc.constant("settled") },
      { weight: 2, arbitrary: fc.constant("tick") },
      { weight: 1, arbitrary: fc.constantFrom("lost", "failed", "duplicate", "silence") },
    ),
    pick: fc.nat(1_000),
  }),
  { maxLength: 250 },
);

/** Two kinds of machines: a run must be done by one of them from its first result on. */
const engines: Readonly<Record<string, string>> = { w1: "tf", w2: "tf", w3: "tf", w8: "other", w9: "other" };
const workerIds = Object.keys(engines);

/** "train-1/step 2": what is settled, in order. */
function settleKey(phase: Phase, purpose: Purpose): string {
  return `${phaseKey(phase)}/${purpose.kind}${purpose.kind === "step" ? ` ${purpose.step}` : ""}`;
}

function expectedSettles(plan: readonly Phase[]): string[] {
  return plan.flatMap((phase) => {
    if (!isTraining(phase)) return [settleKey(phase, { kind: "map" })];
    const steps = Array.from({ length: phase.steps }, (_, i) => settleKey(phase, { kind: "step", step: i }));
    return [settleKey(phase, { kind: "init" }), ...steps];
  });
}

function unitsOf(phase: Phase, purpose: Purpose): number[] {
  const count = purpose.kind === "init" ? 1 : phase.units;
  return Array.from({ length: count }, (_, i) => i);
}

/** The world around the state machine, and the judge of what it asks for. */
class World {
  readonly plan: readonly Phase[];
  state: RunState;
  nowMs = 0;
  /** Given out and not answered, even by workers that were lost since. */
  readonly open = new Map<string, Assignment>();
  readonly answered: string[] = [];
  attaching: string[] = [];
  settles: string[] = [];
  finished: string[] = [];
  private readonly accepted = new Set<string>();
  private readonly enginesUsed = new Set<string>();
  private acceptedUnits: number[] = [];

  constructor(shape: Shape) {
    this.plan = planRun({
      classifier: { steps: shape.classifierSteps, leafCount: shape.leafCount },
      segmenter: { steps: shape.segmenterSteps, leafCount: shape.leafCount },
      rounds: shape.rounds,
      trainShards: shape.trainShards,
      valShards: shape.valShards,
    });
    const { workersMin } = shape;
    const options = { runId: "r", workersMin, allowMixed: false, fingerprint: null, plan: this.plan, phaseIndex: 0 };
    this.state = startRun(options).state;
  }

  on(event: RunEvent): void {
    const transition = step(this.state, event, this.nowMs);
    this.state = transition.state;
    if (event.kind === "done") this.checkAnswer(event.assignmentId, transition);
    for (const effect of transition.effects) this.perform(effect);
    this.checkState();
  }

  /** A result is either kept or thrown away, never both, never neither. */
  private checkAnswer(id: string, { effects }: Transition): void {
    const verdicts = effects.filter(({ kind }) => kind === "accept" || kind === "discard");
    expect(verdicts).toHaveLength(1);
    expect(verdicts[0]).toMatchObject({ assignmentId: id });
  }

  private perform(effect: RunEffect): void {
    switch (effect.kind) {
      case "attach":
        this.attaching.push(effect.workerId);
        break;
      case "release":
        this.attaching = this.attaching.filter((id) => id !== effect.workerId);
        break;
      case "assign":
        expect(this.open.has(effect.assignment.id)).toBe(false);
        this.open.set(effect.assignment.id, effect.assignment);
        break;
      case "accept":
        this.accept(effect.assignmentId);
        break;
      case "settle": {
        expect(this.acceptedUnits.sort((a, b) => a - b)).toEqual(unitsOf(effect.phase, effect.purpose));
        this.acceptedUnits = [];
        this.settles.push(settleKey(effect.phase, effect.purpose));
        expect(expectedSettles(this.plan).slice(0, this.settles.length)).toEqual(this.settles);
        break;
      }
      case "finish":
        this.finished.push(effect.outcome.state);
        break;
      default:
        break;
    }
  }

  private accept(id: string): void {
    expect(this.accepted.has(id), `${id} is accepted once`).toBe(false);
    this.accepted.add(id);
    const { workerId, first, end } = this.open.get(id)!;
    this.enginesUsed.add(engines[workerId]!);
    expect(this.enginesUsed.size, "all results have the bits of one engine").toBe(1);
    for (let unit = first; unit < end; unit++) this.acceptedUnits.push(unit);
  }

  private checkState(): void {
    const { pool, activity, waitingFor } = this.state;
    expect(busyWorkers(pool).size, "a worker has one assignment at a time").toBe(pool.assignments.length);
    expect(this.finished.length).toBe(activity === "finished" ? 1 : 0);
    const isStill = activity === "working" && pool.assignments.length === 0;
    if (isStill && this.settles.length > 0) expect(waitingFor, "a run that stands still says why").not.toBeNull();
  }

  answer(id: string, event: "done" | "failed"): void {
    if (event === "done") this.on({ kind: "done", assignmentId: id });
    else this.on({ kind: "failed", assignmentId: id, reason: "bad luck" });
    this.open.delete(id);
    this.answered.push(id);
  }

  beat(workerId: string): void {
    const fingerprint = engines[workerId]!;
    this.on({ kind: "beat", beat: { workerId, protocolVersion, fingerprint, leasedBy: null } });
  }

  attached(workerId: string): void {
    this.attaching = this.attaching.filter((id) => id !== workerId);
    this.on({ kind: "attached", workerId });
  }
}

function perform(world: World, kind: string, pick: number): void {
  const workerId = workerIds[pick % workerIds.length]!;
  const of = <T>(items: readonly T[]): T | undefined => items[pick % Math.max(1, items.length)];
  const openId = of([...world.open.keys()]);
  const attachingId = of(world.attaching);
  const oldId = of(world.answered);
  world.nowMs += pick % 500;
  if (kind === "beat") world.beat(workerId);
  else if (kind === "attached" && attachingId) world.attached(attachingId);
  else if (kind === "lost") world.on({ kind: "lost", workerId, reason: "crashed" });
  else if ((kind === "done" || kind === "failed") && openId) world.answer(openId, kind);
  else if (kind === "duplicate" && oldId) world.on({ kind: "done", assignmentId: oldId });
  else if (kind === "settled" && world.state.activity === "settling") world.on({ kind: "settled" });
  else if (kind === "tick") world.on({ kind: "tick" });
  else if (kind === "silence") {
    world.nowMs += 11_000;
    world.on({ kind: "tick" });
  }
}

/** Everybody who has the run's engine is well from here on; nobody hears of the others any more. */
function heal(world: World): void {
  const engine = world.state.fingerprint ?? "tf";
  const well = workerIds.filter((workerId) => engines[workerId] === engine);
  for (let i = 0; i < 2_000 && world.state.activity !== "finished"; i++) {
    world.nowMs += 200;
    for (const workerId of well) world.beat(workerId);
    for (const workerId of well.filter((id) => world.attaching.includes(id))) world.attached(workerId);
    for (const id of [...world.open.keys()]) world.answer(id, "done");
    if (world.state.activity === "settling") world.on({ kind: "settled" });
    world.on({ kind: "tick" });
  }
}

test("every unit counts once per step, phases come in order, and the run ends or says why it waits", () => {
  fc.assert(
    fc.property(shapes, operations, (shape, schedule) => {
      const world = new World(shape);
      for (const { kind, pick } of schedule) perform(world, kind, pick);
      heal(world);
      const [outcome] = world.finished;
      // A unit that failed on too many workers ends the run; nothing else may.
      if (outcome !== "failed") {
        expect(outcome).toBe("done");
        expect(world.settles).toEqual(expectedSettles(world.plan));
      }
    }),
    { numRuns: 200 },
  );
});
