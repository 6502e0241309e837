/**
 * Names of the files that say how far a run is. One per finished phase, never overwritten by an earlier one: whoever
 * reads takes the furthest that is whole, so a coordinator that was frozen and comes back cannot set the run back. One
 * per sitting, created exclusively: two coordinators never count the same. Pure.
 */

const progressPattern = /^progress-(\d{4})\.json$/;
const sittingPattern = /^sitting-(\d{4})$/;

/** "progress-0003.json": what is durable after three phases. */
export function progressName(phasesDone: number): string {
  return `progress-${String(phasesDone).padStart(4, "0")}.json`;
}

export function progressNewestFirst(names: readonly string[]): string[] {
  return names
    .filter((name) => progressPattern.test(name))
    .sort()
    .reverse();
}

export function sittingName(sitting: number): string {
  return `sitting-${String(sitting).padStart(4, "0")}`;
}

/** One more than any before; the first is 1. */
export function nextSitting(names: readonly string[]): number {
  return names.reduce((next, name) => Math.max(next, Number(sittingPattern.exec(name)?.[1] ?? 0) + 1), 1);
}

const ledgerPattern = /^shard-(\d{3,6})\.json$/;

/** "shard-007.json": the result of a shard was accepted. */
export function ledgerName(shard: number): string {
  return `shard-${String(shard).padStart(3, "0")}.json`;
}

/** Null when it is no such file. */
export function ledgerShard(name: string): number | null {
  const found = ledgerPattern.exec(name);
  return found ? Number(found[1]) : null;
}
