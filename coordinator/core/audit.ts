/**
 * Auditing: some pieces of work are done by two workers and compared bit for bit. Equal bits are promised, so two that
 * differ mean that one of the machines computes wrong; a third says which. Pure.
 */
import { Rng } from "../../shared/rng.js";
import { isSame, type Opinion, type UnitRange, type WorkPool } from "./work-pool.js";

/** A function of the piece, not of who does it or when: a resumed run audits the same ones. */
export function isAudited(share: number, poolKey: string, range: UnitRange): boolean {
  return share > 0 && new Rng("audit", poolKey, range.first).next() < share;
}

export function opinionsOn(pool: WorkPool, range: UnitRange): Opinion[] {
  return pool.opinions.filter(({ assignment }) => isSame(assignment, range));
}

export interface Agreement {
  /** Counts. */
  readonly winner: Opinion;
  /** Same bits: not needed any more. */
  readonly equals: readonly Opinion[];
  /** Other bits. */
  readonly dissenters: readonly Opinion[];
}

/** Null while no two agree. */
export function agreementOf(opinions: readonly Opinion[]): Agreement | null {
  for (const winner of opinions) {
    const equals = opinions.filter((other) => other !== winner && other.digest === winner.digest);
    if (equals.length === 0) continue;
    return { winner, equals, dissenters: opinions.filter((other) => other.digest !== winner.digest) };
  }
  return null;
}

/** Runs of units whose results are held back while nobody works on them. */
export function unsettledRanges(pool: WorkPool): UnitRange[] {
  const ranges: UnitRange[] = [];
  for (const { assignment } of pool.opinions) {
    const isOpen = pool.assignments.some((one) => isSame(one, assignment));
    if (!isOpen && !ranges.some((range) => isSame(range, assignment))) ranges.push(assignment);
  }
  return ranges;
}
