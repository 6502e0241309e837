/** What the checkers see, and how they object. */

export type Observation =
  /** A worker obeys this lease from now on. */
  | { readonly kind: "admitted"; readonly worker: string; readonly token: Token }
  /** A worker begins work under this lease. */
  | { readonly kind: "worked"; readonly worker: string; readonly token: Token }
  /** A coordinator counts the results of units [first, end). */
  | {
      readonly kind: "counted";
      readonly coordinator: string;
      readonly key: string;
      readonly first: number;
      readonly end: number;
    }
  /** A coordinator has combined a step, or a phase. `units`: how many it must have counted. */
  | {
      readonly kind: "committed";
      readonly coordinator: string;
      readonly key: string;
      readonly units: number;
      readonly weights: string;
    }
  /** The coordinator told its state machine that all up to here is safe on disk. Higher is later. */
  | { readonly kind: "durable"; readonly coordinator: string; readonly position: number }
  | { readonly kind: "resumed"; readonly coordinator: string; readonly position: number }
  | { readonly kind: "fellIll"; readonly workerId: string }
  | { readonly kind: "reported"; readonly coordinator: string; readonly record: Readonly<Record<string, unknown>> }
  | {
      readonly kind: "ended";
      readonly coordinator: string;
      readonly state: string;
      readonly reason: string;
      readonly weights: string;
    };

/** Generation of the store, then revision in it. */
export type Token = readonly [number, number];

export interface Checker {
  readonly name: string;
  /** Called after every event; an answer is a violation. */
  see(observation: Observation): string | null;
}
