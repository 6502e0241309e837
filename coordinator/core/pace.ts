/**
 * How long a piece of work may take, learned from how long such pieces take: median + k * MAD (median absolute
 * deviation) per kind of work, between a floor and a ceiling. After hivemind's issue 676, where fixed deadlines were
 * either too long for everybody or dropped good peers. Pure.
 */
import {
  backupFactor,
  backupMsMin,
  backupUnknownMs,
  deadlineFactor,
  deadlineMadFactor,
  paceSamplesMax,
  paceSamplesMin,
  workDeadlineMsMin,
  workTimeoutMs,
} from "../../shared/limits.js";

/** Kind of work -> milliseconds per unit of the latest pieces, oldest first. */
export type Pace = ReadonlyMap<string, readonly number[]>;

export const noPace: Pace = new Map();

export function withSample(pace: Pace, kind: string, tookMs: number, units: number): Pace {
  const samples = [...(pace.get(kind) ?? []), tookMs / units].slice(-paceSamplesMax);
  return new Map(pace).set(kind, samples);
}

/** After this a worker counts as hung. The ceiling while too little is known. */
export function deadlineMs(pace: Pace, kind: string, units: number, ceilingMs: number = workTimeoutMs): number {
  const samples = pace.get(kind) ?? [];
  if (samples.length < paceSamplesMin) return ceilingMs;
  const middle = median(samples);
  const spread = median(samples.map((sample) => Math.abs(sample - middle)));
  const perUnitMs = deadlineFactor * middle + deadlineMadFactor * spread;
  return Math.min(ceilingMs, Math.max(workDeadlineMsMin, perUnitMs * units));
}

/** After this an idle worker may do the same piece as well. */
export function backupAfterMs(pace: Pace, kind: string, units: number): number {
  const samples = pace.get(kind) ?? [];
  if (samples.length < paceSamplesMin) return backupUnknownMs;
  return Math.max(backupMsMin, backupFactor * median(samples) * units);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
