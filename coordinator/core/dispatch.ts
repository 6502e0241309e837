/** Who gets what: pending units first, then second opinions, then backups of slow pieces; or why nobody gets anything. */
import { agreementOf, opinionsOn, unsettledRanges } from "./audit.js";
import type { RunEffect } from "./events.js";
import { activeIds } from "./members.js";
import { backupAfterMs } from "./pace.js";
import { andThen, currentPhase, type RunState, report, type Transition, workKind } from "./state.js";
import { type Assignment, assignAgain, assignPending, busyWorkers, rivalsOf, type UnitRange } from "./work-pool.js";

export function dispatch(state: RunState, nowMs: number): Transition {
  if (state.activity !== "working") return { state, effects: [] };
  const active = activeIds(state.members);
  if (state.held !== null) return waiting(state, state.held);
  if (active.length < state.workersMin) {
    return waiting(state, `waiting for workers: ${active.length} of at least ${state.workersMin}`);
  }
  const given = givePending(state, active, nowMs);
  const again = andThen(given, (current) => giveAgain(current, nowMs));
  const reason = standstill(again.state, active);
  const said = waiting(again.state, reason);
  // The state of things first, then what is done about it.
  return { state: said.state, effects: [...said.effects, ...again.effects] };
}

/** Everything is in: what comes next is the settling. */
export function settle(state: RunState): Transition {
  const phase = currentPhase(state);
  const { purpose } = state;
  const lastStep = purpose.kind === "step" && purpose.step === phase.steps - 1;
  return { state: { ...state, activity: "settling" }, effects: [{ kind: "settle", phase, purpose, lastStep }] };
}

function idleOf(state: RunState): string[] {
  const busy = busyWorkers(state.pool);
  return activeIds(state.members).filter((id) => !busy.has(id) && !state.stragglers.has(id));
}

function assignEffect(state: RunState, assignment: Assignment): RunEffect {
  return { kind: "assign", assignment, phase: currentPhase(state), purpose: state.purpose };
}

function givePending(state: RunState, active: readonly string[], nowMs: number): Transition {
  const { pool, assigned } = assignPending(state.pool, idleOf(state), nowMs, active);
  return { state: { ...state, pool }, effects: assigned.map((assignment) => assignEffect(state, assignment)) };
}

function giveAgain(state: RunState, nowMs: number): Transition {
  let result: Transition = { state, effects: [] };
  for (const workerId of idleOf(state)) {
    const range = auditFor(result.state, workerId) ?? backupFor(result.state, nowMs);
    if (!range) continue;
    const { pool, assignment } = assignAgain(result.state.pool, range, workerId, nowMs);
    result = { state: { ...result.state, pool }, effects: [...result.effects, assignEffect(state, assignment)] };
  }
  return result;
}

/** A held result that this worker has not given an opinion on. */
function auditFor({ pool }: RunState, workerId: string): UnitRange | null {
  const mayJudge = (range: UnitRange) => !opinionsOn(pool, range).some((one) => one.assignment.workerId === workerId);
  return unsettledRanges(pool).find(mayJudge) ?? null;
}

/** The slowest piece that is late and that nobody doubles yet. */
function backupFor(state: RunState, nowMs: number): UnitRange | null {
  const lateness = ({ startedAtMs, first, end }: Assignment) => {
    return nowMs - startedAtMs - backupAfterMs(state.pace, workKind(state), end - first);
  };
  const late = state.pool.assignments
    .filter((assignment) => lateness(assignment) > 0 && rivalsOf(state.pool, assignment).length === 0)
    .filter((assignment) => opinionsOn(state.pool, assignment).length === 0)
    .sort((a, b) => lateness(b) - lateness(a));
  return late[0] ?? null;
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
