/** What happens to the members of a run: they come, are taken in, fall silent, hang, drain, or turn out unreliable. */
import { unreachable } from "../../shared/assert.js";
import { deadlineFactor, workTimeoutMs } from "../../shared/limits.js";
import type { RunEffect } from "./events.js";
import { forgetWorker, isNeeded } from "./exchange.js";
import {
  activeIds,
  away,
  beatSeen,
  engineMixture,
  isPresent,
  judge,
  type Member,
  type MemberBeat,
  silent,
  versionMixture,
  withMember,
  withProbes,
} from "./members.js";
import { deadlineMs, withSample } from "./pace.js";
import { speedOf } from "./speeds.js";
import {
  andThen,
  engineOf,
  type RunState,
  report,
  type Straggler,
  type Transition,
  withEntry,
  withoutKey,
  workKind,
} from "./state.js";
import { disbelieve, dropWorker } from "./work-pool.js";

export function onBeat(state: RunState, beat: MemberBeat, nowMs: number): Transition {
  const run = { ...state, fingerprint: engineOf(state), isSharded: state.exchange !== null };
  const verdict = judge(state.members, beat, run, nowMs);
  switch (verdict.kind) {
    case "known":
      return onKnownBeat(state, beat, nowMs);
    case "refuse":
      return refuse(state, beat.workerId, verdict.reason);
    case "attach": {
      const { workerId, fingerprint, pid } = beat;
      const attempt = state.attempts + 1;
      const engineLosses = beat.engineLosses?.count;
      const member: Member = {
        kind: "attaching",
        workerId,
        fingerprint,
        lastBeatMs: nowMs,
        pid,
        engineLosses,
        attempt,
      };
      const next = { ...state, attempts: attempt, members: withMember(state.members, member) };
      return { state: next, effects: [{ kind: "attach", workerId, attempt }, ...mixture(state, beat)] };
    }
    default:
      return unreachable(verdict);
  }
}

/** What is lost by cluster.allowMixed, said when it is. */
function mixture(state: RunState, beat: MemberBeat): RunEffect[] {
  const what = versionMixture(beat) ?? engineMixture(beat, engineOf(state));
  if (what === null) return [];
  const reason = `${what}: the weights are no longer reproducible bit by bit`;
  return [report("worker-mixed", { workerId: beat.workerId, reason })];
}

function onKnownBeat(state: RunState, beat: MemberBeat, nowMs: number): Transition {
  const member = state.members.get(beat.workerId)!;
  const isOther = isPresent(member) && member.pid !== undefined && beat.pid !== undefined && beat.pid !== member.pid;
  // A new process under the old name knows nothing of its lease: take it in again, at its next beat.
  if (isOther) return lose(state, beat.workerId, "was started again", nowMs, nowMs);
  const seen = { ...state, members: beatSeen(state.members, beat.workerId, nowMs, beat.engineLosses?.count) };
  const effects = newLosses(beat, member);
  if (beat.state !== "draining" || member.kind !== "active" || member.isDraining) return { state: seen, effects };
  const engineLosses = beat.engineLosses?.count;
  const members = withMember(seen.members, { ...member, lastBeatMs: nowMs, engineLosses, isDraining: true });
  const draining = report("worker-draining", { workerId: beat.workerId });
  return { state: { ...seen, members }, effects: [...effects, draining] };
}

/** It keeps its work, and does it again on the engine that it starts; if that takes too long, others do it. */
function newLosses({ workerId, engineLosses }: MemberBeat, member: Member): RunEffect[] {
  const known = isPresent(member) ? (member.engineLosses ?? 0) : 0;
  if (!engineLosses || engineLosses.count <= known) return [];
  return [report("engine-lost", { workerId, ...engineLosses })];
}

function refuse(state: RunState, workerId: string, reason: string): Transition {
  if (state.refusals.get(workerId) === reason) return { state, effects: [] };
  const refusals = withEntry(state.refusals, workerId, reason);
  return { state: { ...state, refusals }, effects: [report("worker-refused", { workerId, reason })] };
}

export function onAlive(state: RunState, workerId: string, nowMs: number): Transition {
  return { state: { ...state, members: beatSeen(state.members, workerId, nowMs) }, effects: [] };
}

export function onAttached(state: RunState, workerId: string, attempt: number | undefined): Transition {
  const member = state.members.get(workerId);
  if (member?.kind !== "attaching" || isStale(member, attempt)) return { state, effects: [] };
  const members = withMember(state.members, { ...member, kind: "active" });
  const next = { ...state, members };
  const joined = report("worker-joined", { workerId, fingerprint: member.fingerprint });
  return { state: next, effects: [joined, ...surplus(next, workerId)] };
}

/** More workers than replicas: who came last has nothing to train, which nobody would guess. */
function surplus({ members, plan }: RunState, workerId: string): RunEffect[] {
  const local = plan.filter(({ localSteps }) => localSteps !== undefined);
  const replicas = Math.max(...local.map(({ units }) => units));
  const workers = activeIds(members).length;
  return local.length === 0 || workers <= replicas ? [] : [report("worker-surplus", { workerId, workers, replicas })];
}

export interface Loss {
  readonly workerId: string;
  readonly reason: string;
  readonly attempt?: number;
  readonly assignmentId?: string;
}

/** A loss that was noticed by an attach or a piece of work counts only while that is still the worker's latest. */
export function onLost(state: RunState, { workerId, reason, attempt, assignmentId }: Loss, nowMs: number): Transition {
  const member = state.members.get(workerId);
  if (!member || !isPresent(member) || isStale(member, attempt)) return { state, effects: [] };
  if (assignmentId !== undefined) {
    const isLive = state.pool.assignments.some(({ id }) => id === assignmentId);
    if (!isLive && state.stragglers.get(workerId)?.id !== assignmentId) return { state, effects: [] };
  }
  return lose(state, workerId, reason, nowMs);
}

function isStale(member: { readonly attempt?: number }, attempt: number | undefined): boolean {
  return attempt !== undefined && member.attempt !== undefined && attempt !== member.attempt;
}

/** Its work goes to others; it is asked again after a pause, or from `retryAtMs` on. */
export function lose(
  state: RunState,
  workerId: string,
  reason: string,
  nowMs: number,
  retryAtMs: number | null = null,
): Transition {
  const member = state.members.get(workerId);
  if (!member || !isPresent(member)) return { state, effects: [] };
  const gone = away(workerId, reason, nowMs) as Extract<Member, { kind: "away" }>;
  const next = leave(state, retryAtMs === null ? gone : { ...gone, retryAtMs });
  const lostUnits = state.pool.assignments
    .filter((assignment) => assignment.workerId === workerId)
    .reduce((sum, { first, end }) => sum + end - first, 0);
  return { state: next, effects: [release(workerId, reason), report("worker-lost", { workerId, reason, lostUnits })] };
}

function release(workerId: string, reason: string): RunEffect {
  return { kind: "release", workerId, reason };
}

function leave(state: RunState, member: Member): RunState {
  const { workerId } = member;
  // What it has computed and nobody has pulled is gone with it.
  const pool = state.exchange === null ? dropWorker(state.pool, workerId) : disbelieve(state.pool, workerId);
  const rest = {
    ...state,
    members: withMember(state.members, member),
    pool,
    stragglers: withoutKey(state.stragglers, workerId),
    failuresInRow: withoutKey(state.failuresInRow, workerId),
  };
  return forgetWorker(rest, workerId);
}

/** Nothing it says counts any more, and it is not asked again. */
export function quarantine(state: RunState, workerId: string, reason: string): Transition {
  const member = state.members.get(workerId);
  const pool = disbelieve(state.pool, workerId);
  const next = { ...leave(state, { kind: "quarantined", workerId, reason }), pool };
  const effects = [report("worker-quarantined", { workerId, reason })];
  return { state: next, effects: member && isPresent(member) ? [release(workerId, reason), ...effects] : effects };
}

/** Lets those go who asked to leave and have nothing in hand. */
export function releaseDrained(state: RunState, nowMs: number): Transition {
  let result: Transition = { state, effects: [] };
  for (const member of state.members.values()) {
    if (member.kind !== "active" || !member.isDraining) continue;
    const { workerId } = member;
    if (state.stragglers.has(workerId) || state.pool.assignments.some((one) => one.workerId === workerId)) continue;
    // Others have not pulled yet what it has computed.
    if (isNeeded(state, workerId)) continue;
    const reason = "has finished its work and shuts down";
    result = andThen(result, (current) => ({
      state: leave(current, away(workerId, reason, nowMs)),
      effects: [release(workerId, reason), report("worker-drained", { workerId })],
    }));
  }
  return result;
}

/** Time has passed: who is silent, who hangs, who must be asked. */
export function watchWorkers(state: RunState, nowMs: number): Transition {
  let result: Transition = { state, effects: [] };
  for (const { workerId, reason } of [...silent(state.members, nowMs), ...hanging(state, nowMs)]) {
    result = andThen(result, (current) => lose(current, workerId, reason, nowMs));
  }
  const { members, probed } = withProbes(result.state.members, nowMs);
  const probes = probed.map((workerId): RunEffect => ({ kind: "probe", workerId }));
  const pace = lateSamples(state, nowMs);
  return { state: { ...result.state, members, pace }, effects: [...result.effects, ...probes] };
}

function hanging(state: RunState, nowMs: number): { workerId: string; reason: string }[] {
  const kind = workKind(state);
  const inHand = state.pool.assignments.map((assignment): Straggler => ({ ...assignment, kind }));
  return [...inHand, ...state.stragglers.values()]
    .map((piece) => ({ piece, limitMs: Math.round(limitOf(state, piece)) }))
    .filter(({ piece, limitMs }) => nowMs - piece.startedAtMs > limitMs)
    .map(({ piece, limitMs }) => {
      return { workerId: piece.workerId, reason: `has worked on ${piece.id} for over ${limitMs} ms` };
    });
}

/**
 * A worker that is slow by nature may take longer than others do. Who has finished nothing yet still loads photos and warms
 * up: only the ceiling applies.
 */
function limitOf(state: RunState, { workerId, kind, first, end }: Straggler): number {
  const member = state.members.get(workerId);
  const isWarm = member?.kind === "active" && member.isWarm === true;
  const ceilingMs = ceilingOf(state, kind);
  if (!isWarm) return ceilingMs;
  const units = end - first;
  const ownMs = deadlineFactor * (speedOf(state.speeds, kind, workerId) ?? 0) * units;
  return Math.min(ceilingMs, Math.max(ownMs, deadlineMs(state.pace, kind, units, ceilingMs)));
}

/** A replica takes many steps before it is heard of again. */
function ceilingOf({ plan }: RunState, kind: string): number {
  if (!kind.endsWith("/step")) return workTimeoutMs;
  return plan.reduce((most, { localSteps = 1 }) => Math.max(most, localSteps), 1) * workTimeoutMs;
}

/** A piece that was too late is a sample as well: when everything has become slow, deadlines must follow. */
function lateSamples(state: RunState, nowMs: number) {
  const late = new Set(hanging(state, nowMs).map(({ workerId }) => workerId));
  return state.pool.assignments
    .filter(({ workerId }) => late.has(workerId))
    .reduce((pace, { startedAtMs, first, end }) => {
      return withSample(pace, workKind(state), nowMs - startedAtMs, end - first);
    }, state.pace);
}
