/** What a run is at a moment, and the words every part of the state machine uses. */

import type { Outcome, Purpose, RunEffect } from "./events.js";
import type { Exchange } from "./exchange-state.js";
import { isPresent, type Members } from "./members.js";
import type { Pace } from "./pace.js";
import type { Phase } from "./plan.js";
import type { Speeds } from "./speeds.js";
import type { Assignment, WorkPool } from "./work-pool.js";

export interface RunState {
  readonly runId: string;
  readonly workersMin: number;
  /** As many as connections may be open to. */
  readonly workersLimit: number;
  readonly allowMixed: boolean;
  /** Share of the micro-batch runs that two workers compute. */
  readonly audit: number;
  /** Engine of the run; fixed by its first result. */
  readonly fingerprint: string | null;
  readonly plan: readonly Phase[];
  readonly phaseIndex: number;
  readonly purpose: Purpose;
  readonly activity: "working" | "settling" | "finished";
  readonly pool: WorkPool;
  readonly members: Members;
  /** Why no work is being given out, or null. */
  readonly waitingFor: string | null;
  /** Why nothing may be begun (the disk is nearly full), or null. */
  readonly held: string | null;
  /** Why workers were refused, so that each reason is reported once. */
  readonly refusals: ReadonlyMap<string, string>;
  readonly pace: Pace;
  readonly speeds: Speeds;
  /** Who still works on something that does not count any more: busy, but not waited for. */
  readonly stragglers: ReadonlyMap<string, Straggler>;
  /** Wrong results by worker. */
  readonly strikes: ReadonlyMap<string, number>;
  readonly failuresInRow: ReadonlyMap<string, number>;
  readonly attempts: number;
  /** Sharded training: who has what; null: the coordinator has everything. */
  readonly exchange: Exchange | null;
}

/** Its deadline is that of its kind of work, whatever the run does by now. */
export interface Straggler extends Assignment {
  readonly kind: string;
}

export interface Transition {
  readonly state: RunState;
  readonly effects: readonly RunEffect[];
}

export interface StartOptions {
  readonly runId: string;
  readonly workersMin: number;
  readonly workersLimit?: number;
  readonly allowMixed: boolean;
  readonly audit?: number;
  readonly fingerprint: string | null;
  readonly topology?: "star" | "sharded";
  readonly plan: readonly Phase[];
  /** First phase that is not complete: 0, or where a resumed run goes on. */
  readonly phaseIndex: number;
  /** First step that is not in the checkpoint, when a resumed run goes on inside a training phase. */
  readonly nextStep?: number;
  /** Shards whose results earlier sittings have accepted, when it goes on inside a phase over shards. */
  readonly doneUnits?: readonly number[];
}

export function currentPhase(state: RunState): Phase {
  return state.plan[Math.min(state.phaseIndex, state.plan.length - 1)]!;
}

/** Pieces of one kind take about equally long. */
export function workKind(state: RunState): string {
  return `${currentPhase(state).kind}/${state.purpose.kind}`;
}

/** Before any result counts, the engine of those who are here: if they all go, another may do the run. */
export function engineOf({ fingerprint, members }: RunState): string | null {
  const present = [...members.values()].find(isPresent);
  return fingerprint ?? present?.fingerprint ?? null;
}

export function finish(state: RunState, outcome: Outcome): Transition {
  return { state: { ...state, activity: "finished" }, effects: [{ kind: "finish", outcome }] };
}

export function report(kind: string, fields: Record<string, unknown>): RunEffect {
  return { kind: "report", record: { kind, ...fields } };
}

/** The second transition's effects after the first's. */
export function andThen(first: Transition, next: (state: RunState) => Transition): Transition {
  const { state, effects } = next(first.state);
  return { state, effects: [...first.effects, ...effects] };
}

export function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

export function withoutKey<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}
