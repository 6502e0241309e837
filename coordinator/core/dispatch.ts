/** Who gets what: pending units first, then second opinions, then backups of slow pieces; or why nobody gets anything. */
import { agreementOf, opinionsOn, unsettledRanges } from "./audit.js";
import { Backups } from "./backups.js";
import type { RunEffect } from "./events.js";
import { hasSource, isModelLost, nextPool, rewind } from "./exchange.js";
import { idleWorkers } from "./idle.js";
import { activeIds } from "./members.js";
import { conclude } from "./settling.js";
import { sharesOf, withPassedOver } from "./speeds.js";
import { andThen, currentPhase, type RunState, report, type Transition, workKind } from "./state.js";
import { type Assignment, assignAgain, assignPending, type UnitRange, type WorkPool } from "./work-pool.js";

export function dispatch(state: RunState, nowMs: number): Transition {
  if (state.activity !== "working") return { state, effects: [] };
  const concluded = conclude(state);
  if (concluded) return andThen(concluded, (current) => dispatch(current, nowMs));
  const active = activeIds(state.members);
  if (state.held !== null) return waiting(state, state.held);
  if (active.length < state.workersMin) {
    return waiting(state, `waiting for workers: ${active.length} of at least ${state.workersMin}`);
  }
  if (isModelLost(state)) return rewind(state, "no worker has the model of this step any more");
  const opened = nextPool(state, nowMs);
  if (opened) return andThen(opened, (current) => dispatch(current, nowMs));
  const given = givePending(state, active, nowMs);
  const again = andThen(given, (current) => giveAgain(current, nowMs));
  const reason = standstill(again.state, active);
  const said = waiting(again.state, reason);
  // The state of things first, then what is done about it.
  return { state: said.state, effects: [...said.effects, ...again.effects] };
}

function assignEffect(state: RunState, assignment: Assignment): RunEffect {
  return { kind: "assign", assignment, phase: currentPhase(state), purpose: state.purpose };
}

function givePending(state: RunState, active: readonly string[], nowMs: number): Transition {
  if (!hasSource(state)) return { state, effects: [] };
  const kind = workKind(state);
  const idle = idleWorkers(state);
  const shares = (ids: readonly string[], units: number) => {
    return sharesOf(state.speeds, kind, ids, units, state.pool.unitsPerAssignmentMax);
  };
  const { pool, assigned } = assignPending(state.pool, idle, nowMs, { capableIds: active, shares });
  const effects = assigned.map((assignment) => assignEffect(state, assignment));
  if (assigned.length === 0) return { state: { ...state, pool }, effects };
  const without = idle.filter((id) => !assigned.some(({ workerId }) => workerId === id));
  return { state: { ...state, pool, speeds: withPassedOver(state.speeds, kind, without) }, effects };
}

function giveAgain(state: RunState, nowMs: number): Transition {
  let result: Transition = { state, effects: [] };
  // Nobody can do another's update, and a piece of a step takes a model that somebody must have.
  if (state.purpose.kind === "apply" || !hasSource(state)) return result;
  const backups = new Backups(state, nowMs);
  for (const workerId of idleWorkers(state)) {
    const { pool: now } = result.state;
    const range = auditFor(now, workerId) ?? backups.for(workerId, now);
    if (!range) continue;
    const { pool, assignment } = assignAgain(now, range, workerId, nowMs);
    result = { state: { ...result.state, pool }, effects: [...result.effects, assignEffect(state, assignment)] };
  }
  return result;
}

/** A held result that this worker has not given an opinion on. */
function auditFor(pool: WorkPool, workerId: string): UnitRange | null {
  const mayJudge = (range: UnitRange) => !opinionsOn(pool, range).some((one) => one.assignment.workerId === workerId);
  return unsettledRanges(pool).find(mayJudge) ?? null;
}

/** Why nobody works although not all is done; null when somebody does. */
function standstill({ pool, stragglers }: RunState, active: readonly string[]): string | null {
  if (pool.assignments.length > 0) return null;
  const disputed = unsettledRanges(pool).find((range) => agreementOf(opinionsOn(pool, range)) === null);
  if (disputed && stragglers.size === 0) {
    const names = opinionsOn(pool, disputed).map(({ assignment }) => assignment.workerId);
    if (names.length === 1) return `waiting for a second worker to audit what ${names[0]} has computed (cluster.audit)`;
    return `waiting for one more worker: ${names.join(" and ")} got different results for the same work`;
  }
  return `waiting for ${active.filter((id) => stragglers.has(id)).join(", ")} to end work that does not count any more`;
}

/** Reports the reason when it changes. */
function waiting(state: RunState, reason: string | null): Transition {
  if (state.waitingFor === reason) return { state, effects: [] };
  const record = reason === null ? report("running", {}) : report("waiting", { reason });
  return { state: { ...state, waitingFor: reason }, effects: [record] };
}
