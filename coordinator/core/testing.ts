/** The run as a transcript: events go in, one line per effect comes out. */
import { protocolVersion } from "../../shared/version.js";
import type { RunEffect, RunEvent } from "./events.js";
import { planRun } from "./plan.js";
import { type RunState, type StartOptions, startRun, step } from "./run.js";

export const plan = planRun({
  classifier: { steps: 1, leafCount: 2 },
  segmenter: { steps: 2, leafCount: 4 },
  rounds: 2,
  trainShards: 2,
  valShards: 1,
});

export class Transcript {
  state: RunState;
  nowMs = 0;

  constructor(options: Partial<StartOptions> = {}) {
    const base = { runId: "r", workersMin: 1, allowMixed: false, fingerprint: null, plan, phaseIndex: 0 };
    this.state = startRun({ ...base, ...options }).state;
  }

  /** Effects as lines. */
  on(event: RunEvent): string[] {
    const { state, effects } = step(this.state, event, this.nowMs);
    this.state = state;
    return effects.map(lineOf);
  }

  beat(workerId: string, fields: { fingerprint?: string } = {}): string[] {
    const beat = { workerId, protocolVersion, fingerprint: "tf", leasedBy: null, ...fields };
    return this.on({ kind: "beat", beat });
  }

  join(workerId: string): string[] {
    return [...this.beat(workerId), ...this.on({ kind: "attached", workerId })];
  }

  done(assignmentId: string): string[] {
    return this.on({ kind: "done", assignmentId });
  }

  settled(endRounds?: string): string[] {
    return this.on(endRounds === undefined ? { kind: "settled" } : { kind: "settled", endRounds });
  }

  /** One worker does everything up to the named phase. */
  skipTo(phase: string): string[] {
    let lines: string[] = [];
    for (let i = 0; i < 100; i++) {
      if (lines.some((line) => line.startsWith(`phase-started ${phase}`))) return lines;
      const assignment = this.state.pool.assignments[0];
      lines = assignment ? this.done(assignment.id) : this.settled();
    }
    throw new Error(`no phase ${phase}`);
  }
}

export function lineOf(effect: RunEffect): string {
  switch (effect.kind) {
    case "assign": {
      const { id, workerId, first, end } = effect.assignment;
      return `assign ${id} to ${workerId} [${first},${end})`;
    }
    case "settle":
      return `settle ${effect.phase.kind} ${JSON.stringify(effect.purpose)}${effect.lastStep ? " last" : ""}`;
    case "report": {
      const { kind, phase, workerId, reason } = effect.record;
      return [kind, phase, workerId, reason].filter((part) => part !== undefined).join(" ");
    }
    case "finish":
      return `finish ${effect.outcome.state}: ${effect.outcome.reason}`;
    case "release":
      return `release ${effect.workerId}`;
    case "rewind":
      return `rewind ${effect.phase.kind}`;
    case "attach":
    case "probe":
      return `${effect.kind} ${effect.workerId}`;
    default:
      return `${effect.kind} ${effect.assignmentId}`;
  }
}
