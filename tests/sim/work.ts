/** Stands for the method: every result is a hash of what the real one would be a function of. */

import type { Purpose } from "../../coordinator/core/events.js";
import { isTraining, type Phase, phaseKey } from "../../coordinator/core/plan.js";

/** What one unit is computed from. */
export interface UnitInput {
  readonly phase: string;
  /** "init", "map", or the step's number. */
  readonly purpose: string;
  readonly weights: string;
}

export function purposeKey(purpose: Purpose): string {
  return purpose.kind === "step" ? String(purpose.step) : purpose.kind;
}

export function computeUnit({ phase, purpose, weights }: UnitInput, unit: number): string {
  return hash(`${phase}/${purpose}/${unit}/${weights}`);
}

/** The state after a pool of work: the next weights, or the next labels. */
export function combine(weights: string, results: readonly string[]): string {
  return hash(`${weights}+${results.join("+")}`);
}

/** What the run must end with, whatever happens. */
export function undisturbed(plan: readonly Phase[]): string {
  let weights = "start";
  const advance = (phase: Phase, purpose: string, units: number) => {
    const input = { phase: phaseKey(phase), purpose, weights };
    weights = combine(
      weights,
      Array.from({ length: units }, (_, unit) => computeUnit(input, unit)),
    );
  };
  for (const phase of plan) {
    if (!isTraining(phase)) advance(phase, "map", phase.units);
    else {
      advance(phase, "init", 1);
      for (let step = 0; step < phase.steps; step++) advance(phase, String(step), phase.units);
    }
  }
  return weights;
}

/** 53 bits of two FNV-1a streams: fast, and no two inputs of a run collide. */
export function hash(text: string): string {
  let low = 0x811c9dc5;
  let high = 0x01000193;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
    high ^= high >>> 13;
  }
  return (low >>> 0).toString(16).padStart(8, "0") + (high >>> 0).toString(16).padStart(8, "0");
}

/** Names a unit of commitment: "train-1/3". */
export function keyOf({ phase, purpose }: { readonly phase: Phase; readonly purpose: Purpose }): string {
  return `${phaseKey(phase)}/${purposeKey(purpose)}`;
}
