/**
 * The steps of sharded training: micro-batches, then slices of their sums, then everybody's update. Each has its pool;
 * what a lost worker had is put back into the pool it came from, and that pool is opened again. Pure.
 */
import { unitAttemptsMax } from "../../shared/limits.js";
import { type Applied, type Exchange, sumOf, withHolder, withoutWorker } from "./exchange-state.js";
import { idleWorkers } from "./idle.js";
import { phaseKey } from "./plan.js";
import { currentPhase, finish, type RunState, report, type Straggler, type Transition, workKind } from "./state.js";
import {
  type Assignment,
  assignAgain,
  finishRange,
  isDone,
  openPool,
  reopenRange,
  type WorkPool,
} from "./work-pool.js";

/** Once may be a cosmic ray; twice is a machine that computes wrong, and more workers must say which. */
const disagreementsMax = 2;

export type ExchangeRun = RunState & { readonly exchange: Exchange };

/** Whether the pool is part of a step of sharded training. */
export function isExchanging(state: RunState): state is ExchangeRun {
  return state.exchange !== null && state.purpose.kind !== "init" && state.purpose.kind !== "map";
}

function stepOf({ purpose }: RunState): number {
  return "step" in purpose ? purpose.step : 0;
}

/** The next pool of the step, when this one is done and somebody can take it. Null: not yet. */
export function nextPool(state: RunState, nowMs: number): Transition | null {
  if (!isExchanging(state) || !isDone(state.pool)) return null;
  switch (state.purpose.kind) {
    case "step":
      return openReduce(state);
    case "reduce":
      return openApply(state, nowMs);
    default:
      return null;
  }
}

function openReduce(state: ExchangeRun): Transition | null {
  const { exchange } = state;
  const workers = idleWorkers(state).length;
  if (workers === 0) return null;
  const owners = exchange.owners.length > 0 ? exchange.owners : new Array<null>(workers).fill(null);
  const [pool, openings] = reopened(state, owners.length, 1, "reduce");
  const held = owners.flatMap((owner, unit) => (owner === null ? [] : [{ first: unit, end: unit + 1 }]));
  return still({
    ...state,
    purpose: { kind: "reduce", step: stepOf(state) },
    exchange: { ...exchange, owners, openings },
    pool: held.reduce(finishRange, pool),
  });
}

/** Everybody who has the model updates it; who has not (it came late, or was slow) is given the next step's. */
function openApply(state: ExchangeRun, nowMs: number): Transition | null {
  const roster = idleWorkers(state).filter((id) => state.exchange.inStep.includes(id));
  if (roster.length === 0) return null;
  const [empty, openings] = reopened(state, roster.length, 1, "apply");
  let pool: WorkPool = { ...empty, units: empty.units.map(() => "assigned" as const) };
  const assigned: Assignment[] = [];
  roster.forEach((workerId, unit) => {
    const given = assignAgain(pool, { first: unit, end: unit + 1 }, workerId, nowMs);
    pool = given.pool;
    assigned.push(given.assignment);
  });
  const purpose = { kind: "apply", step: stepOf(state) } as const;
  const next = { ...state, purpose, pool, exchange: { ...state.exchange, roster, applied: [], openings } };
  const phase = currentPhase(state);
  return { state: next, effects: assigned.map((assignment) => ({ kind: "assign", assignment, phase, purpose })) };
}

/** A pool under a name that none had before. */
function reopened(state: ExchangeRun, units: number, perAssignment: number, kind: string): [WorkPool, number] {
  const openings = state.exchange.openings + 1;
  const key = `${phaseKey(currentPhase(state))}/${stepOf(state)}/${kind}~${openings}`;
  return [openPool(key, units, perAssignment), openings];
}

/** A result of the step counts: this worker has it. */
export function withHeld(state: RunState, assignment: Assignment): RunState {
  if (!isExchanging(state)) return state;
  const { exchange, purpose } = state;
  const { workerId, first } = assignment;
  if (purpose.kind === "step") {
    const sums = [...exchange.sums, sumOf(assignment)];
    return { ...state, exchange: { ...withHolder(exchange, workerId), sums } };
  }
  const owners = exchange.owners.map((owner, unit) => (unit === first ? workerId : owner));
  return { ...state, exchange: { ...exchange, owners } };
}

/** The worker is gone, and its assignments with it: what it had goes back to where it came from. */
export function forgetWorker(state: RunState, workerId: string): RunState {
  if (state.exchange === null) return state;
  const rest = { ...state, exchange: withoutWorker(state.exchange, workerId) };
  if (!isExchanging(rest) || state.activity !== "working") return rest;
  const lost = state.exchange.sums.filter((held) => held.workerId === workerId);
  switch (rest.purpose.kind) {
    case "step":
      return { ...rest, pool: lost.reduce(reopenRange, rest.pool) };
    case "reduce": {
      if (lost.length > 0) return backToCompute(rest);
      const slices = state.exchange.owners.flatMap((owner, i) =>
        owner === workerId ? [{ first: i, end: i + 1 }] : [],
      );
      return { ...rest, pool: slices.reduce(reopenRange, rest.pool) };
    }
    default:
      return withoutUpdate(rest, workerId);
  }
}

/** An update that will not come; what the others arrive at counts without it. */
function withoutUpdate(state: ExchangeRun, workerId: string): RunState {
  const unit = state.exchange.roster.indexOf(workerId);
  const applied = state.exchange.applied.filter((one) => one.workerId !== workerId);
  const exchange = { ...state.exchange, applied };
  return unit < 0 ? state : { ...state, exchange, pool: finishRange(state.pool, { first: unit, end: unit + 1 }) };
}

/** Micro-batches whose sums nobody has are computed again; the other sums are kept. */
function backToCompute(state: ExchangeRun): RunState {
  const { units } = currentPhase(state);
  const [pool, openings] = reopened(state, units, units, "step");
  return {
    ...withStragglers(state),
    purpose: { kind: "step", step: stepOf(state) },
    pool: state.exchange.sums.reduce(finishRange, pool),
    exchange: { ...state.exchange, roster: [], applied: [], openings },
  };
}

/** Whoever works on something does so in vain. */
function withStragglers(state: RunState): RunState {
  const kind = workKind(state);
  const stragglers = new Map<string, Straggler>(state.stragglers);
  for (const assignment of state.pool.assignments) stragglers.set(assignment.workerId, { ...assignment, kind });
  return { ...state, stragglers };
}

/** A worker has updated its model. */
export function noteApplied(state: ExchangeRun, assignment: Assignment, digest: string): ExchangeRun {
  const applied = [...state.exchange.applied, { workerId: assignment.workerId, assignmentId: assignment.id, digest }];
  return { ...state, pool: finishRange(state.pool, assignment), exchange: { ...state.exchange, applied } };
}

/** It has not, and still has the model of the step's beginning. */
export function noteNotApplied(state: ExchangeRun, assignment: Assignment, isFailure: boolean): ExchangeRun {
  const failures = state.exchange.failures + Number(isFailure);
  return { ...state, pool: finishRange(state.pool, assignment), exchange: { ...state.exchange, failures } };
}

export interface Verdict {
  readonly winners: readonly Applied[];
  readonly dissenters: readonly Applied[];
}

/** What most have arrived at; null: as many say otherwise. */
export function majority(applied: readonly Applied[]): Verdict | null {
  const votes = new Map<string, Applied[]>();
  for (const one of applied) votes.set(one.digest, [...(votes.get(one.digest) ?? []), one]);
  const [first, second] = [...votes.values()].sort((a, b) => b.length - a.length);
  if (!first || first.length === second?.length) return null;
  return { winners: first, dissenters: applied.filter((one) => !first.includes(one)) };
}

/** Nobody has updated: again, with what is still there. */
export function applyAgain(state: ExchangeRun): Transition {
  const { failures } = state.exchange;
  if (failures < unitAttemptsMax * Math.max(1, state.exchange.roster.length)) return still(backToCompute(state));
  return finish(state, { state: "failed", reason: `the update of step ${stepOf(state)} has failed ${failures} times` });
}

/** Two machines, or two halves of them, have different numbers: neither is believed, and it is tried once more. */
export function onDisagreement(state: ExchangeRun): Transition {
  const names = state.exchange.applied.map(({ workerId }) => workerId).join(", ");
  const disagreements = state.exchange.disagreements + 1;
  const reason = `${names} arrived at different parameters, and no majority says which are right`;
  if (disagreements >= disagreementsMax)
    return finish(state, { state: "failed", reason: `${reason}, ${disagreements} times` });
  return rewind({ ...state, exchange: { ...state.exchange, disagreements } }, reason);
}

/** Training goes back to the newest checkpoint: no worker has what came after it. */
export function rewind(state: RunState, reason: string): Transition {
  const phase = currentPhase(state);
  const record = report("rewound", { phase: phaseKey(phase), step: stepOf(state), reason });
  const exchange = state.exchange && { ...state.exchange, rewinds: state.exchange.rewinds + 1 };
  const pool = { ...state.pool, assignments: [] };
  const next = { ...withStragglers(state), activity: "settling" as const, exchange, pool };
  return { state: next, effects: [record, { kind: "rewind", phase }] };
}

/** It has sums that others have not pulled yet. */
export function isNeeded(state: RunState, workerId: string): boolean {
  if (!isExchanging(state) || state.activity !== "working") return false;
  return state.exchange.sums.some((held) => held.workerId === workerId);
}

/** Nobody who is here has the model, nor has the coordinator, and nobody is about to get it. */
export function isModelLost(state: RunState): boolean {
  if (!isExchanging(state) || state.pool.assignments.length > 0) return false;
  return !hasSource(state);
}

/** Work of the step can begin: somebody can give the model. */
export function hasSource(state: RunState): boolean {
  if (!isExchanging(state)) return true;
  return state.exchange.inStep.length > 0 || state.exchange.pointStep === stepOf(state);
}

function still(state: RunState): Transition {
  return { state, effects: [] };
}
