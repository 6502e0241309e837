/** What becomes of results: they count, wait for a second opinion, are thrown away, or speak against their worker. */
import { failuresInRowMax, strikesMax, unitAttemptsMax } from "../../shared/limits.js";
import { agreementOf, isAudited, opinionsOn } from "./audit.js";
import type { RunEffect } from "./events.js";
import { type ExchangeRun, isExchanging, noteApplied, noteNotApplied, withHeld } from "./exchange.js";
import { culpritOf } from "./exchange-state.js";
import { activeIds, withMember } from "./members.js";
import { withSample } from "./pace.js";
import { settle } from "./settling.js";
import { withSpeed } from "./speeds.js";
import {
  andThen,
  engineOf,
  finish,
  type RunState,
  report,
  type Transition,
  withEntry,
  withoutKey,
  workKind,
} from "./state.js";
import {
  type Assignment,
  finishRange,
  giveBack,
  holdOpinion,
  isDone,
  liveAssignment,
  rivalsOf,
  takeBack,
  type WorkPool,
} from "./work-pool.js";
import { lose, quarantine } from "./workers.js";

export function onDone(state: RunState, assignmentId: string, digest: string | undefined, nowMs: number): Transition {
  const assignment = liveAssignment(state.pool, assignmentId);
  if (!assignment) {
    // A duplicate of a result that is held back must not throw that away.
    const isHeld = state.pool.opinions.some((one) => one.assignment.id === assignmentId);
    const effects: RunEffect[] = isHeld ? [] : [{ kind: "discard", assignmentId }];
    return { state: withoutStraggler(state, assignmentId), effects };
  }
  const noted = noteSuccess(state, assignment, nowMs);
  if (isExchanging(noted) && noted.purpose.kind === "apply")
    return { state: noteApplied(noted, assignment, digest ?? ""), effects: [] };
  const { pool } = noted;
  const isDoubted = state.purpose.kind === "step" && isAudited(state.audit, pool.key, assignment);
  if (digest === undefined || (!isDoubted && opinionsOn(pool, assignment).length === 0))
    return count(noted, assignment);
  const held = { ...noted, pool: holdOpinion(pool, { assignment, digest }) };
  return compare(held, assignment);
}

/** The result counts at once; whoever else works on it is a straggler from now on. */
function count(state: RunState, assignment: Assignment): Transition {
  const finished = finishOne(state, assignment);
  return settleIfDone({ state: finished, effects: [{ kind: "accept", assignmentId: assignment.id }] });
}

function finishOne(state: RunState, assignment: Assignment): RunState {
  const rivals = rivalsOf(state.pool, assignment);
  const stragglers = new Map(state.stragglers);
  for (const rival of rivals) stragglers.set(rival.workerId, { ...rival, kind: workKind(state) });
  const finished = { ...state, stragglers, pool: finishRange(state.pool, assignment), fingerprint: engineOf(state) };
  return withHeld(finished, assignment);
}

function settleIfDone(transition: Transition): Transition {
  // In sharded training more follows: dispatch opens it.
  return isDone(transition.state.pool) && !isExchanging(transition.state) ? andThen(transition, settle) : transition;
}

/** Two equal opinions count as one result; who says otherwise computes wrong. */
function compare(state: RunState, assignment: Assignment): Transition {
  const opinions = opinionsOn(state.pool, assignment);
  const agreement = agreementOf(opinions);
  if (!agreement) {
    const workers = opinions.map((one) => one.assignment.workerId);
    const mismatch = report("audit-mismatch", { assignmentId: assignment.id, workers });
    return { state, effects: opinions.length > 1 ? [mismatch] : [] };
  }
  const { winner, equals, dissenters } = agreement;
  const discards = [...equals, ...dissenters].map((one): RunEffect => {
    return { kind: "discard", assignmentId: one.assignment.id };
  });
  const accept: RunEffect = { kind: "accept", assignmentId: winner.assignment.id };
  let result: Transition = { state: finishOne(state, winner.assignment), effects: [accept, ...discards] };
  for (const { assignment: wrong } of dissenters) {
    const reason = `computed ${wrong.id} differently from ${winner.assignment.workerId} and ${equals[0]!.assignment.workerId}`;
    result = andThen(result, (current) => quarantine(current, wrong.workerId, reason));
  }
  return settleIfDone(result);
}

function noteSuccess(state: RunState, { workerId, startedAtMs, first, end }: Assignment, nowMs: number): RunState {
  const member = state.members.get(workerId);
  const members =
    member?.kind === "active"
      ? withMember(state.members, { ...member, isWarm: true, lastBeatMs: nowMs })
      : state.members;
  // What a cold worker took says nothing about the pace.
  const isWarm = member?.kind === "active" && member.isWarm === true;
  const noted = isWarm ? withPace(state, workerId, nowMs - startedAtMs, end - first) : state;
  return { ...noted, members, failuresInRow: withoutKey(state.failuresInRow, workerId) };
}

function withPace(state: RunState, workerId: string, tookMs: number, units: number): RunState {
  const kind = workKind(state);
  const pace = withSample(state.pace, kind, tookMs, units);
  return { ...state, pace, speeds: withSpeed(state.speeds, kind, workerId, tookMs / units) };
}

function withoutStraggler(state: RunState, assignmentId: string): RunState {
  const found = [...state.stragglers].find(([, { id }]) => id === assignmentId);
  return found ? { ...state, stragglers: withoutKey(state.stragglers, found[0]) } : state;
}

/** The worker lives and says that it cannot do it. */
export function onFailed(state: RunState, assignmentId: string, reason: string, nowMs: number): Transition {
  const assignment = liveAssignment(state.pool, assignmentId);
  if (!assignment) return { state: withoutStraggler(state, assignmentId), effects: [] };
  const { workerId } = assignment;
  const given = withFailure(state, assignment);
  const failed: Transition = { state: given, effects: [report("work-failed", { assignmentId, reason })] };
  if (isHopeless(failed.state, assignment)) {
    return andThen(failed, (current) => finish(current, { state: "failed", reason }));
  }
  const inRow = (state.failuresInRow.get(workerId) ?? 0) + 1;
  const isAlone = activeIds(state.members).length === 1;
  if (inRow >= failuresInRowMax && !isAlone) {
    return andThen(failed, (current) => lose(current, workerId, `failed ${inRow} times in a row: ${reason}`, nowMs));
  }
  return { ...failed, state: { ...given, failuresInRow: withEntry(state.failuresInRow, workerId, inRow) } };
}

/** Others did not give what the work needs: nobody knows yet whose fault it is. A second complaint ends the matter. */
export function onCutOff(
  state: RunState,
  { assignmentId, missing }: { readonly assignmentId: string; readonly missing: readonly string[] },
  nowMs: number,
): Transition {
  const assignment = liveAssignment(state.pool, assignmentId);
  if (!assignment || !isExchanging(state)) return { state: withoutStraggler(state, assignmentId), effects: [] };
  const { workerId } = assignment;
  const said = missing.map((about) => ({ by: workerId, about }));
  const complaints = [...state.exchange.complaints, ...said];
  const record = report("work-cut-off", { workerId, assignmentId, reason: `cannot pull from ${missing.join(", ")}` });
  let result: Transition = {
    state: { ...withoutWork(state, assignment), exchange: { ...state.exchange, complaints } },
    effects: [record],
  };
  for (const complaint of said) {
    result = andThen(result, (current) => {
      const culprit = current.exchange && culpritOf(current.exchange, complaint);
      const reason = `the exchange fails: ${workerId} cannot pull from ${missing.join(", ")}`;
      return culprit ? lose(current, culprit, reason, nowMs) : { state: current, effects: [] };
    });
  }
  return result;
}

/** Nobody's fault: what it was to do is to be done again, but for an update, which is its own. */
function withoutWork(state: ExchangeRun, assignment: Assignment): ExchangeRun {
  if (state.purpose.kind === "apply") return noteNotApplied(state, assignment, false);
  return { ...state, pool: takeBack(state.pool, assignment.id)! };
}

/** The worker's fault, or the work's. */
function withFailure(state: RunState, assignment: Assignment, isNumeric = false): RunState {
  if (isExchanging(state) && state.purpose.kind === "apply") return noteNotApplied(state, assignment, true);
  return { ...state, pool: giveBack(state.pool, assignment.id, isNumeric)! };
}

/** Tried often enough, and by everybody who is here: it is the work's fault. */
function isHopeless(state: RunState, { first, end }: Assignment): boolean {
  const active = activeIds(state.members);
  for (let unit = first; unit < end; unit++) {
    if (state.pool.failures[unit]! < unitAttemptsMax) continue;
    const tried = whoFailedAt(state.pool, unit);
    if (tried.size >= unitAttemptsMax || active.every((id) => tried.has(id))) return true;
  }
  return false;
}

function whoFailedAt(pool: WorkPool, unit: number, isNumeric?: boolean): Set<string> {
  const fits = pool.blames.filter((blame) => blame.unit === unit && (isNumeric === undefined || blame.isNumeric));
  return new Set(fits.map(({ workerId }) => workerId));
}

export interface BadResult {
  readonly assignmentId: string;
  readonly reason: string;
  readonly isNumeric: boolean;
}

/** A result that is not what it claims to be: redone elsewhere; the second from one worker ends our trust in it. */
export function onBad(state: RunState, { assignmentId, reason, isNumeric }: BadResult): Transition {
  const assignment = liveAssignment(state.pool, assignmentId);
  if (!assignment)
    return { state: withoutStraggler(state, assignmentId), effects: [{ kind: "discard", assignmentId }] };
  const { workerId } = assignment;
  const given = withFailure(state, assignment, isNumeric);
  const strikes = (state.strikes.get(workerId) ?? 0) + 1;
  const record = report("result-refused", { workerId, assignmentId, reason });
  const refused: Transition = {
    state: { ...given, strikes: withEntry(state.strikes, workerId, strikes) },
    effects: [{ kind: "discard", assignmentId }, record],
  };
  if (isNumeric && isDiverged(refused.state, assignment)) {
    const why = `training has diverged: ${reason}, whoever computes it`;
    return andThen(refused, (current) => finish(current, { state: "failed", reason: why, code: "TRAINING_DIVERGED" }));
  }
  if (strikes < strikesMax) return refused;
  return andThen(refused, (current) => quarantine(current, workerId, `${strikes} wrong results, the last: ${reason}`));
}

/** So many workers, or all that there are and twice at least, found no number: it is the training, not a machine. */
function isDiverged(state: RunState, { first, end }: Assignment): boolean {
  const active = activeIds(state.members);
  for (let unit = first; unit < end; unit++) {
    const found = state.pool.blames.filter((blame) => blame.unit === unit && blame.isNumeric);
    const workers = whoFailedAt(state.pool, unit, true);
    if (workers.size >= unitAttemptsMax || (found.length >= 2 && active.every((id) => workers.has(id)))) return true;
  }
  return false;
}
