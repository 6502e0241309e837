/** What `seedgrow status`, `watch` and the progress line show, from the run's state. Pure. */
import type { RunStatus, WorkerBeat } from "../shared/net/subjects.js";
import type { Member } from "./core/members.js";
import { describePhase, isTraining, outerRound } from "./core/plan.js";
import { currentPhase, type RunState } from "./core/run.js";
import { doneCount } from "./core/work-pool.js";
import type { Throughput } from "./throughput.js";

/** The last beat of a worker, and when it came. */
export interface HeardBeat {
  readonly beat: WorkerBeat;
  readonly heardMs: number;
}

export interface StatusExtra {
  readonly runDir: string;
  readonly loss: number | null;
  readonly beats: ReadonlyMap<string, HeardBeat>;
  readonly nowMs: number;
  readonly at: string;
}

export function describeRun(state: RunState, throughput: Throughput, extra: StatusExtra): RunStatus {
  const phase = currentPhase(state);
  const { done, total } = phaseProgress(state);
  const isEnded = state.activity === "finished";
  return {
    runId: state.runId,
    runDir: extra.runDir,
    state: isEnded ? "stopping" : state.waitingFor === null ? "running" : "waiting",
    reason: state.waitingFor ?? "",
    phase: describePhase(phase),
    round: phase.round,
    rounds: state.plan.reduce((max, { round }) => Math.max(max, round), 0),
    done,
    total,
    outer: outerProgress(state),
    imagesPerSecond: throughput.total(extra.nowMs),
    etaSeconds: throughput.etaSeconds(state.plan, state.phaseIndex, done / Math.max(1, total), extra.nowMs),
    loss: isTraining(phase) ? extra.loss : null,
    miou: null,
    workers: describeWorkers(state, throughput, extra),
    updatedAt: extra.at,
  };
}

function phaseProgress(state: RunState): { done: number; total: number } {
  const phase = currentPhase(state);
  switch (state.purpose.kind) {
    case "init":
      return { done: 0, total: phase.steps };
    case "step":
    case "reduce":
    case "apply":
      return { done: state.purpose.step, total: phase.steps };
    case "map":
      return { done: doneCount(state.pool), total: phase.units };
  }
}

function outerProgress(state: RunState): RunStatus["outer"] {
  const phase = currentPhase(state);
  const round = state.purpose.kind === "step" ? outerRound(phase, state.purpose.step) : null;
  if (!round) return null;
  return { round: round.number, rounds: round.of, replicasDone: doneCount(state.pool), replicas: phase.units };
}

function describeWorkers(state: RunState, throughput: Throughput, extra: StatusExtra): RunStatus["workers"] {
  return [...state.members.values()].map((member) => {
    const heard = extra.beats.get(member.workerId);
    return {
      workerId: member.workerId,
      host: heard?.beat.host ?? "?",
      state: describeMember(member),
      ...throughput.of(member.workerId, extra.nowMs),
      engine: heard?.beat.engine ?? "",
      device: heard?.beat.device ?? "",
      rssBytes: heard?.beat.rssBytes ?? null,
      beatAt: heard ? isoBefore(extra.at, extra.nowMs - heard.heardMs) : null,
    };
  });
}

/** The run's clock is monotonic: when something was heard is counted back from now. */
function isoBefore(at: string, agoMs: number): string {
  return new Date(Date.parse(at) - agoMs).toISOString();
}

function describeMember(member: Member): string {
  if (member.kind === "away" || member.kind === "quarantined") return `${member.kind}: ${member.reason}`;
  return member.kind === "active" && member.isDraining ? "draining" : member.kind;
}
