/**
 * What the simulated coordinator keeps on disk, named and sealed as the real one does: a file per finished phase, a file
 * per sitting, and checkpoints inside a phase.
 */
import {
  checkpointName,
  checkpointsNewestFirst,
  checkpointsToDelete,
  decodeCheckpoint,
  encodeCheckpoint,
} from "../../coordinator/core/checkpoint.js";
import { type Phase, phaseKey } from "../../coordinator/core/plan.js";
import { nextSitting, progressName, progressNewestFirst, sittingName } from "../../coordinator/core/positions.js";
import { checkpointsKept } from "../../shared/limits.js";
import type { SimDisk } from "./disk.js";
import type { Process } from "./world.js";

export interface SavedPosition {
  readonly phasesDone: number;
  readonly weights: string;
  /** Null: the phase begins anew. */
  readonly nextStep: number | null;
}

export class RunFolder {
  constructor(
    private readonly disk: SimDisk,
    private readonly process: Process,
    private readonly plan: readonly Phase[],
  ) {}

  /** Counts this sitting. */
  claim(coordinatorId: string, done: (sitting: number) => void): void {
    const sitting = nextSitting(this.disk.list(""));
    const isOurs = this.disk.createExclusive(this.process, sittingName(sitting), coordinatorId, () => done(sitting));
    if (!isOurs) this.claim(coordinatorId, done);
  }

  open(): SavedPosition {
    const progress = this.newestProgress();
    const phase = this.plan[progress.phasesDone];
    for (const name of phase ? checkpointsNewestFirst(this.disk.list(""), phaseKey(phase)) : []) {
      const checkpoint = decodeCheckpoint(Buffer.from(this.disk.read(name)!, "latin1"));
      if (checkpoint === null) continue;
      const weights = Buffer.from(checkpoint.sections[0]!).toString();
      return { ...progress, weights, nextStep: checkpoint.header.nextStep };
    }
    return { ...progress, nextStep: null };
  }

  writeProgress(progress: { phasesDone: number; weights: string }, done: () => void): void {
    this.disk.writeDurably(this.process, progressName(progress.phasesDone), JSON.stringify(progress), done);
  }

  writeCheckpoint(phaseIndex: number, at: { nextStep: number; weights: string }, done: () => void): void {
    const phase = phaseKey(this.plan[phaseIndex]!);
    const finished = this.plan.slice(0, phaseIndex).map(phaseKey);
    const header = { phase, nextStep: at.nextStep, extra: {} };
    const bytes = Buffer.concat(encodeCheckpoint(header, [Buffer.from(at.weights)])).toString("latin1");
    this.disk.writeDurably(this.process, checkpointName(phase, at.nextStep), bytes, () => {
      const stale = checkpointsToDelete(this.disk.list(""), { phase, done: finished }, checkpointsKept);
      for (const name of stale) this.disk.remove(name);
      done();
    });
  }

  private newestProgress(): SavedPosition {
    for (const name of progressNewestFirst(this.disk.list(""))) {
      try {
        return JSON.parse(this.disk.read(name)!) as SavedPosition;
      } catch {
        // Torn: the one before it.
      }
    }
    return { phasesDone: 0, weights: "start", nextStep: null };
  }
}

/** Orders positions of a run; steps of a phase come after its beginning. */
export function positionOf({ phasesDone, nextStep }: { phasesDone: number; nextStep: number | null }): number {
  return phasesDone * 1_000 + (nextStep ?? 0);
}
