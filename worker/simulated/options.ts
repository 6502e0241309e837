/** Knobs of the simulated engine: `seedgrow worker --engine simulated`. */

export const faultKinds = ["nan", "lie", "hang", "slow"] as const;
export type FaultKind = (typeof faultKinds)[number];

/** "", "lie", "hang@round-1": what goes wrong, and in which stage of training; without one, in all. */
export const faultPattern = /^$|^(nan|lie|hang|slow)(?:@(classifier|round-[1-9]\d*))?$/;

export interface SimulatedOptions {
  /** Pretended time per image and pass, milliseconds. */
  readonly imageMs: number;
  /** Share by which that time varies. */
  readonly jitter: number;
  /** Parameters of each model; 0: as many as the built-in network has. */
  readonly parameters: number;
  /** See `faultPattern`. */
  readonly fault: string;
}

export interface Fault {
  readonly kind: FaultKind;
  /** Null: always. */
  readonly stage: string | null;
}

export function faultOf(text: string): Fault | null {
  const [, kind, stage = null] = faultPattern.exec(text) ?? [];
  return kind === undefined ? null : { kind: kind as FaultKind, stage };
}
