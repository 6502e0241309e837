/**
 * The run as a state machine: step(state, event, nowMs) -> { state, effects }. Phases in order; inside a phase a pool
 * of work is open ("working"), or its results are being combined and written ("settling"). Nothing here waits, reads a
 * clock or touches a tensor: coordinator/runtime.ts does what the effects say.
 */
import { unreachable } from "../../shared/assert.js";
import { unitAttemptsMax, workTimeoutMs } from "../../shared/limits.js";
import type { Outcome, Purpose, RunEffect, RunEvent } from "./events.js";
import { activeIds, away, beatSeen, judge, type MemberBeat, type Members, silent, withMember } from "./members.js";
import { describePhase, isTraining, type Phase, phaseKey } from "./plan.js";
import {
  assignPending,
  busyWorkers,
  complete,
  dropWorker,
  giveBack,
  isDone,
  openPool,
  overdue,
  type WorkPool,
} from "./work-pool.js";

export interface RunState {
  readonly runId: string;
  readonly workersMin: number;
  readonly allowMixed: boolean;
  /** Engine of the run; fixed by the first result that counts, for the next must have the same bits. */
  readonly fingerprint: string | null;
  readonly plan: readonly Phase[];
  readonly phaseIndex: number;
  readonly purpose: Purpose;
  readonly activity: "working" | "settling" | "finished";
  readonly pool: WorkPool;
  readonly members: Members;
  /** Why no work is being given out, or null. */
  readonly waitingFor: string | null;
  /** Why workers were refused, so that each reason is reported once. */
  readonly refusals: ReadonlyMap<string, string>;
}

export interface Transition {
  readonly state: RunState;
  readonly effects: readonly RunEffect[];
}

export interface StartOptions {
  readonly runId: string;
  readonly workersMin: number;
  readonly allowMixed: boolean;
  readonly fingerprint: string | null;
  readonly plan: readonly Phase[];
  /** First phase that is not complete: 0, or where a resumed run goes on. */
  readonly phaseIndex: number;
  /** First step that is not in the checkpoint, when a resumed run goes on inside a training phase. */
  readonly nextStep?: number;
}

export function startRun(options: StartOptions): Transition {
  const base = { ...options, members: new Map(), refusals: new Map(), waitingFor: null } as const;
  const placeholder = openPool("", 0, 1);
  const state: RunState = { ...base, purpose: { kind: "map" }, activity: "working", pool: placeholder };
  const entered = enterPhase(state, options.phaseIndex);
  if (options.nextStep === undefined) return entered;
  return { ...entered, state: openStep(entered.state, options.nextStep) };
}

export function step(state: RunState, event: RunEvent, nowMs: number): Transition {
  if (state.activity === "finished") return { state, effects: leftovers(event) };
  switch (event.kind) {
    case "beat":
      return onBeat(state, event.beat, nowMs);
    case "attached":
      return onAttached(state, event.workerId, nowMs);
    case "lost":
      return dispatch(lose(state, event.workerId, event.reason, nowMs), nowMs);
    case "done":
      return onDone(state, event.assignmentId, nowMs);
    case "failed":
      return onFailed(state, event.assignmentId, event.reason, nowMs);
    case "settled":
      return dispatch(onSettled(state, event.endRounds), nowMs);
    case "tick":
      return onTick(state, nowMs);
    case "stop":
      return finish(state, { state: "stopped", reason: event.reason });
    case "fail":
      return finish(state, { state: "failed", reason: event.reason });
    default:
      return unreachable(event);
  }
}

export function currentPhase(state: RunState): Phase {
  return state.plan[Math.min(state.phaseIndex, state.plan.length - 1)]!;
}

/** A finished run keeps no late result. */
function leftovers(event: RunEvent): RunEffect[] {
  return event.kind === "done" ? [{ kind: "discard", assignmentId: event.assignmentId }] : [];
}

function onBeat(state: RunState, beat: MemberBeat, nowMs: number): Transition {
  const verdict = judge(state.members, beat, { ...state, fingerprint: engineOf(state) }, nowMs);
  switch (verdict.kind) {
    case "known":
      return { state: { ...state, members: beatSeen(state.members, beat.workerId, nowMs) }, effects: [] };
    case "refuse":
      return refuse(state, beat.workerId, verdict.reason);
    case "attach": {
      const { workerId, fingerprint } = beat;
      const member = { kind: "attaching", workerId, fingerprint, lastBeatMs: nowMs } as const;
      const next = { ...state, members: withMember(state.members, member) };
      return { state: next, effects: [{ kind: "attach", workerId }] };
    }
    default:
      return unreachable(verdict);
  }
}

/** Before any result counts, the engine of those who are here: if they all go, another may do the run. */
function engineOf({ fingerprint, members }: RunState): string | null {
  const present = [...members.values()].find((member) => member.kind !== "away");
  return fingerprint ?? present?.fingerprint ?? null;
}

function refuse(state: RunState, workerId: string, reason: string): Transition {
  if (state.refusals.get(workerId) === reason) return { state, effects: [] };
  const refusals = new Map(state.refusals).set(workerId, reason);
  return { state: { ...state, refusals }, effects: [report("worker-refused", { workerId, reason })] };
}

function onAttached(state: RunState, workerId: string, nowMs: number): Transition {
  const member = state.members.get(workerId);
  if (member?.kind !== "attaching") return { state, effects: [] };
  const members = withMember(state.members, { ...member, kind: "active" });
  return dispatch({ state: { ...state, members }, effects: [report("worker-joined", { workerId })] }, nowMs);
}

function lose(state: RunState, workerId: string, reason: string, nowMs: number): Transition {
  const member = state.members.get(workerId);
  if (!member || member.kind === "away") return { state, effects: [] };
  const members = withMember(state.members, away(workerId, reason, nowMs));
  const effects: RunEffect[] = [{ kind: "release", workerId, reason }, report("worker-lost", { workerId, reason })];
  return { state: { ...state, members, pool: dropWorker(state.pool, workerId) }, effects };
}

function onDone(state: RunState, assignmentId: string, nowMs: number): Transition {
  const pool = complete(state.pool, assignmentId);
  if (!pool) return { state, effects: [{ kind: "discard", assignmentId }] };
  const fingerprint = engineOf(state);
  const accepted: Transition = {
    state: { ...state, pool, fingerprint },
    effects: [{ kind: "accept", assignmentId }],
  };
  return isDone(pool) ? settle(accepted) : dispatch(accepted, nowMs);
}

function onFailed(state: RunState, assignmentId: string, reason: string, nowMs: number): Transition {
  const pool = giveBack(state.pool, assignmentId);
  if (!pool) return { state, effects: [] };
  const effects = [report("work-failed", { assignmentId, reason })];
  const next = { ...state, pool };
  if (pool.failures.some((count) => count >= unitAttemptsMax)) {
    const ended = finish(next, { state: "failed", reason });
    return { state: ended.state, effects: [...effects, ...ended.effects] };
  }
  return dispatch({ state: next, effects }, nowMs);
}

function settle({ state, effects }: Transition): Transition {
  const phase = currentPhase(state);
  const { purpose } = state;
  const lastStep = purpose.kind === "step" && purpose.step === phase.steps - 1;
  return {
    state: { ...state, activity: "settling" },
    effects: [...effects, { kind: "settle", phase, purpose, lastStep }],
  };
}

function onSettled(state: RunState, endRounds: string | undefined): Transition {
  if (state.activity !== "settling") return { state, effects: [] };
  const phase = currentPhase(state);
  const nextStep = state.purpose.kind === "init" ? 0 : state.purpose.kind === "step" ? state.purpose.step + 1 : null;
  if (nextStep !== null && nextStep < phase.steps) return { state: openStep(state, nextStep), effects: [] };
  const effects = [report("phase-done", { phase: phaseKey(phase) })];
  const plan = endRounds ? state.plan.filter((later) => later.round <= phase.round) : state.plan;
  if (endRounds) effects.push(report("rounds-ended", { round: phase.round, reason: endRounds }));
  const entered = enterPhase({ ...state, plan }, state.phaseIndex + 1);
  return { state: entered.state, effects: [...effects, ...entered.effects] };
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

function openStep(state: RunState, stepIndex: number): RunState {
  const phase = currentPhase(state);
  const pool = openPool(`${phaseKey(phase)}/${stepIndex}`, phase.units, phase.units);
  return { ...state, purpose: { kind: "step", step: stepIndex }, pool, activity: "working" };
}

function onTick(state: RunState, nowMs: number): Transition {
  const late = overdue(state.pool, nowMs, workTimeoutMs).map(({ workerId, id }) => {
    return { workerId, reason: `has worked on ${id} for over ${workTimeoutMs} ms` };
  });
  let result: Transition = { state, effects: [] };
  for (const { workerId, reason } of [...silent(state.members, nowMs), ...late]) {
    const lost = lose(result.state, workerId, reason, nowMs);
    result = { state: lost.state, effects: [...result.effects, ...lost.effects] };
  }
  return dispatch(result, nowMs);
}

/** Gives pending work to idle members, or says what it waits for. */
function dispatch({ state, effects }: Transition, nowMs: number): Transition {
  if (state.activity !== "working") return { state, effects };
  const active = activeIds(state.members);
  if (active.length < state.workersMin) {
    return waiting({ state, effects }, `waiting for workers: ${active.length} of at least ${state.workersMin}`);
  }
  const resumed = waiting({ state, effects }, null);
  const busy = busyWorkers(state.pool);
  const idle = active.filter((workerId) => !busy.has(workerId));
  const { pool, assigned } = assignPending(state.pool, idle, nowMs);
  const phase = currentPhase(state);
  const assigns = assigned.map((assignment): RunEffect => {
    return { kind: "assign", assignment, phase, purpose: state.purpose };
  });
  return { state: { ...resumed.state, pool }, effects: [...resumed.effects, ...assigns] };
}

/** Reports the reason when it changes. */
function waiting({ state, effects }: Transition, reason: string | null): Transition {
  if (state.waitingFor === reason) return { state, effects };
  const record = reason === null ? report("running", {}) : report("waiting", { reason });
  return { state: { ...state, waitingFor: reason }, effects: [...effects, record] };
}

function finish(state: RunState, outcome: Outcome): Transition {
  return { state: { ...state, activity: "finished" }, effects: [{ kind: "finish", outcome }] };
}

function report(kind: string, fields: Record<string, unknown>): RunEffect {
  return { kind: "report", record: { kind, ...fields } };
}
