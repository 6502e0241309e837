/**
 * How fast each worker is at each kind of work, and how many units each should get so that all are done soonest. Which
 * worker computes what never changes a result, only when it is there. Pure.
 */
import { passedOverMax, speedClassFactor, speedSamplesMax } from "../../shared/limits.js";

interface Speed {
  /** Of its latest pieces, milliseconds, oldest first. */
  readonly msPerUnit: readonly number[];
  /** How often in a row it was left out as too slow. */
  readonly passedOver: number;
}

/** "kind worker" -> its speed. */
export type Speeds = ReadonlyMap<string, Speed>;

export const noSpeeds: Speeds = new Map();

function keyOf(kind: string, workerId: string): string {
  return `${kind} ${workerId}`;
}

export function withSpeed(speeds: Speeds, kind: string, workerId: string, msPerUnit: number): Speeds {
  const before = speeds.get(keyOf(kind, workerId))?.msPerUnit ?? [];
  const samples = [...before, msPerUnit].slice(-speedSamplesMax);
  return new Map(speeds).set(keyOf(kind, workerId), { msPerUnit: samples, passedOver: 0 });
}

/** Milliseconds per unit; null: not known. The fastest of its latest pieces: what slowed the others was not the worker. */
export function speedOf(speeds: Speeds, kind: string, workerId: string): number | null {
  const samples = speeds.get(keyOf(kind, workerId))?.msPerUnit;
  return samples ? Math.max(1, Math.min(...samples)) : null;
}

/** They got nothing this time. One that is left out again and again is forgotten, and so measured anew. */
export function withPassedOver(speeds: Speeds, kind: string, workerIds: readonly string[]): Speeds {
  const next = new Map(speeds);
  for (const workerId of workerIds) {
    const speed = next.get(keyOf(kind, workerId));
    if (!speed) continue;
    if (speed.passedOver + 1 >= passedOverMax) next.delete(keyOf(kind, workerId));
    else next.set(keyOf(kind, workerId), { ...speed, passedOver: speed.passedOver + 1 });
  }
  return next;
}

/**
 * Units for each of the workers, `unitsMax` at most, such that the last is done as soon as can be: unit by unit to whoever
 * would be done with it first. Whom nothing is known of counts as average.
 */
export function sharesOf(
  speeds: Speeds,
  kind: string,
  workerIds: readonly string[],
  units: number,
  unitsMax: number,
): number[] {
  const paces = pacesOf(workerIds.map((workerId) => speedOf(speeds, kind, workerId)));
  const shares = workerIds.map(() => 0);
  for (let unit = 0; unit < units; unit++) {
    let best = -1;
    for (const [i, pace] of paces.entries()) {
      if (shares[i]! >= unitsMax) continue;
      if (best < 0 || (shares[i]! + 1) * pace < (shares[best]! + 1) * paces[best]!) best = i;
    }
    if (best < 0) break;
    shares[best]!++;
  }
  return shares;
}

/** In classes: workers about as fast as each other get equal runs of units, which the fewest sums cover. */
function pacesOf(known: readonly (number | null)[]): number[] {
  const measured = known.filter((ms) => ms !== null);
  if (measured.length === 0) return known.map(() => 1);
  const fastest = Math.min(...measured);
  const mean = measured.reduce((sum, ms) => sum + ms, 0) / measured.length;
  const step = Math.log(speedClassFactor);
  return known.map((ms) => speedClassFactor ** Math.round(Math.log((ms ?? mean) / fastest) / step));
}
