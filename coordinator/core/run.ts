/**
 * The run as a state machine: step(state, event, nowMs) -> { state, effects }. Phases in order; inside a phase a pool
 * of work is open ("working"), or its results are being combined and written ("settling"). Nothing here waits, reads a
 * clock or touches a tensor: coordinator/runtime.ts does what the effects say.
 */
import { unreachable } from "../../shared/assert.js";
import { workersMax } from "../../shared/limits.js";
import { onBad, onCutOff, onDone, onFailed } from "./answers.js";
import { dispatch } from "./dispatch.js";
import type { Purpose, RunEffect, RunEvent } from "./events.js";
import { rewind } from "./exchange.js";
import { atStep } from "./exchange-state.js";
import { noPace } from "./pace.js";
import { describePhase, isTraining, outerRound, type Phase, phaseKey, stepsFrom } from "./plan.js";
import { settle } from "./settling.js";
import { noSpeeds } from "./speeds.js";
import { andThen, currentPhase, finish, type RunState, report, type StartOptions, type Transition } from "./state.js";
import { finishRange, isDone, openPool } from "./work-pool.js";
import { onAlive, onAttached, onBeat, onLost, releaseDrained, watchWorkers } from "./workers.js";

export { currentPhase, type RunState, type StartOptions, type Transition } from "./state.js";

export function startRun(options: StartOptions): Transition {
  const { workersLimit = workersMax, topology = "star" } = options;
  const { runId, workersMin, allowMixed, audit = 0, fingerprint, plan, phaseIndex, nextStep, doneUnits = [] } = options;
  const state: RunState = {
    ...{ runId, workersMin, workersLimit, allowMixed, audit, fingerprint, plan, phaseIndex },
    purpose: { kind: "map" },
    activity: "working",
    pool: openPool("", 0, 1),
    members: new Map(),
    waitingFor: null,
    held: null,
    refusals: new Map(),
    pace: noPace,
    speeds: noSpeeds,
    stragglers: new Map(),
    strikes: new Map(),
    failuresInRow: new Map(),
    attempts: 0,
    exchange: topology === "sharded" ? atStep(null, [], 0) : null,
  };
  const entered = enterPhase(state, phaseIndex);
  if (nextStep !== undefined) return { ...entered, state: openStep(entered.state, nextStep, nextStep) };
  return doneUnits.length === 0 ? entered : andThen(entered, (current) => goOn(current, doneUnits));
}

/** Shards that earlier sittings have accepted are done. */
function goOn(state: RunState, doneUnits: readonly number[]): Transition {
  const phase = currentPhase(state);
  if (isTraining(phase)) return { state, effects: [] };
  const pool = doneUnits.reduce((rest, unit) => finishRange(rest, { first: unit, end: unit + 1 }), state.pool);
  const record = report("phase-continued", { phase: phaseKey(phase), done: doneUnits.length, total: phase.units });
  const continued: Transition = { state: { ...state, pool }, effects: [record] };
  return isDone(pool) ? andThen(continued, settle) : continued;
}

export function step(state: RunState, event: RunEvent, nowMs: number): Transition {
  if (state.activity === "finished") return { state, effects: leftovers(event) };
  const handled = handle(state, event, nowMs);
  // A beat changes who may come, not who has work: those that come are given theirs when they are attached.
  if (event.kind === "beat" || handled.state.activity === "finished") return handled;
  const freed = andThen(handled, (current) => releaseDrained(current, nowMs));
  return andThen(freed, (current) => dispatch(current, nowMs));
}

function handle(state: RunState, event: RunEvent, nowMs: number): Transition {
  switch (event.kind) {
    case "beat":
      return onBeat(state, event.beat, nowMs);
    case "alive":
      return onAlive(state, event.workerId, nowMs);
    case "attached":
      return onAttached(state, event.workerId, event.attempt);
    case "lost":
      return onLost(state, event, nowMs);
    case "done":
      return onDone(state, event.assignmentId, event.digest, nowMs);
    case "failed":
      return onFailed(state, event.assignmentId, event.reason, nowMs);
    case "bad":
      return onBad(state, event);
    case "cut-off":
      return onCutOff(state, event, nowMs);
    case "settled":
      return onSettled(state, event.endRounds);
    case "unsettled":
      return state.activity === "settling" ? rewind(state, event.reason) : { state, effects: [] };
    case "rewound":
      return state.activity === "settling"
        ? { state: openStep(state, event.step, event.step), effects: [] }
        : { state, effects: [] };
    case "tick":
      return watchWorkers(state, nowMs);
    case "hold":
      return { state: { ...state, held: event.reason }, effects: [] };
    case "stop":
      return finish(state, { state: "stopped", reason: event.reason });
    case "fail":
      return finish(state, { state: "failed", reason: event.reason });
    default:
      return unreachable(event);
  }
}

/** A finished run keeps no late result. */
function leftovers(event: RunEvent): RunEffect[] {
  return event.kind === "done" ? [{ kind: "discard", assignmentId: event.assignmentId }] : [];
}

function onSettled(state: RunState, endRounds: string | undefined): Transition {
  if (state.activity !== "settling") return { state, effects: [] };
  const phase = currentPhase(state);
  const { purpose } = state;
  const nextStep =
    purpose.kind === "init" ? 0 : "step" in purpose ? purpose.step + stepsFrom(phase, purpose.step) : null;
  const averaged = roundDone(phase, purpose);
  if (nextStep !== null && nextStep < phase.steps)
    return { state: openStep(state, nextStep, purpose.kind === "init" ? 0 : undefined), effects: averaged };
  const effects = [...averaged, report("phase-done", { phase: phaseKey(phase) })];
  const plan = endRounds ? state.plan.filter((later) => later.round <= phase.round) : state.plan;
  if (endRounds) effects.push(report("rounds-ended", { round: phase.round, reason: endRounds }));
  return andThen({ state: { ...state, plan }, effects }, (current) => enterPhase(current, state.phaseIndex + 1));
}

/** Of local training: what its replicas have learnt is in the parameters. */
function roundDone(phase: Phase, purpose: Purpose): RunEffect[] {
  const round = purpose.kind === "step" ? outerRound(phase, purpose.step) : null;
  if (!round || purpose.kind !== "step") return [];
  const { number, of } = round;
  const step = purpose.step + stepsFrom(phase, purpose.step);
  return [
    report("outer-round", { phase: phaseKey(phase), number, of, replicas: phase.units, step, steps: phase.steps }),
  ];
}

function enterPhase(state: RunState, phaseIndex: number): Transition {
  const phase = state.plan[phaseIndex];
  if (!phase) return finish({ ...state, phaseIndex }, { state: "done", reason: "all phases are complete" });
  const purpose: Purpose = isTraining(phase) ? { kind: "init" } : { kind: "map" };
  const key = `${phaseKey(phase)}/${purpose.kind}`;
  const pool = openPool(key, isTraining(phase) ? 1 : phase.units, 1);
  const next: RunState = { ...state, phaseIndex, purpose, pool, activity: "working" };
  return { state: next, effects: [report("phase-started", { phase: phaseKey(phase), title: describePhase(phase) })] };
}

/** `pointStep`: the coordinator has the model of the step's beginning, and no worker need have it. */
function openStep(state: RunState, stepIndex: number, pointStep?: number): RunState {
  const phase = currentPhase(state);
  const { exchange: before } = state;
  const inStep = pointStep === undefined ? (before?.inStep ?? []) : [];
  const exchange = before && atStep(before, inStep, pointStep ?? before.pointStep);
  // A name stands for one piece of work, so a step that is done again has another.
  const again = exchange && exchange.rewinds > 0 ? `~r${exchange.rewinds}` : "";
  // Replicas go one by one: each is worth as many micro-batches as it takes steps.
  const perAssignment = phase.localSteps === undefined ? phase.units : 1;
  const pool = openPool(`${phaseKey(phase)}/${stepIndex}${again}`, phase.units, perAssignment);
  return { ...state, purpose: { kind: "step", step: stepIndex }, pool, activity: "working", exchange };
}
