/**
 * Who repeats what: an idle worker does the oldest piece that is late, or that it would have done much sooner, and that
 * nobody doubles yet. Pure. Looked for once for all idle workers: with a thousand of them, once for each was most of the
 * coordinator's time.
 */
import { backupFactor, backupMsMin } from "../../shared/limits.js";
import { opinionsOn } from "./audit.js";
import { backupAfterMs } from "./pace.js";
import { speedOf } from "./speeds.js";
import { type RunState, workKind } from "./state.js";
import { type Assignment, rivalsOf, type UnitRange, type WorkPool } from "./work-pool.js";

interface Candidate {
  readonly piece: Assignment;
  readonly isLate: boolean;
  /** That its worker will still need for it, by what is known of it, for each of its units. */
  readonly leftMsPerUnit: number;
}

export class Backups {
  private readonly kind: string;
  /** Oldest first. */
  private readonly candidates: readonly Candidate[];
  private readonly hasLate: boolean;
  private readonly leftMost: number;

  constructor(
    private readonly state: RunState,
    nowMs: number,
  ) {
    this.kind = workKind(state);
    this.candidates = state.pool.assignments
      .filter(({ startedAtMs }) => nowMs - startedAtMs >= backupMsMin)
      .map((piece) => candidateOf(state, this.kind, piece, nowMs))
      .sort((a, b) => a.piece.startedAtMs - b.piece.startedAtMs);
    this.hasLate = this.candidates.some(({ isLate }) => isLate);
    this.leftMost = this.candidates.reduce((most, { leftMsPerUnit }) => Math.max(most, leftMsPerUnit), -Infinity);
  }

  /** `pool`: as it is by now; null: nothing is worth it. */
  for(workerId: string, pool: WorkPool): UnitRange | null {
    if (this.candidates.length === 0) return null;
    const own = speedOf(this.state.speeds, this.kind, workerId);
    const worthMs = own === null ? Number.POSITIVE_INFINITY : backupFactor * own;
    if (!this.hasLate && this.leftMost <= worthMs) return null;
    const found = this.candidates.find(({ piece, isLate, leftMsPerUnit }) => {
      if (!isLate && leftMsPerUnit <= worthMs) return false;
      return rivalsOf(pool, piece).length === 0 && opinionsOn(pool, piece).length === 0;
    });
    return found?.piece ?? null;
  }
}

function candidateOf({ speeds, pace }: RunState, kind: string, piece: Assignment, nowMs: number): Candidate {
  const ageMs = nowMs - piece.startedAtMs;
  const units = piece.end - piece.first;
  const paceMs = speedOf(speeds, kind, piece.workerId);
  // Slow by nature is not late: its share of the work is made for it.
  if (paceMs === null)
    return { piece, isLate: ageMs > backupAfterMs(pace, kind, units), leftMsPerUnit: Number.NEGATIVE_INFINITY };
  const isLate = ageMs > Math.max(backupMsMin, backupFactor * paceMs * units);
  return { piece, isLate, leftMsPerUnit: paceMs - ageMs / units };
}
