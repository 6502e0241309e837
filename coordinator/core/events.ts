/** The vocabulary of a run: what can happen to it, and what it wants done. */
import type { MemberBeat } from "./members.js";
import type { Phase } from "./plan.js";
import type { Assignment } from "./work-pool.js";

/** What a pool of work is for. */
export type Purpose =
  /** The stage's initial parameters: one unit. */
  | { readonly kind: "init" }
  /** The micro-batches of one update. */
  | { readonly kind: "step"; readonly step: number }
  /** Sharded: each unit is a slice of the step's sums, which some worker adds up. */
  | { readonly kind: "reduce"; readonly step: number }
  /** Sharded: each unit is one worker's own update. */
  | { readonly kind: "apply"; readonly step: number }
  /** The shards of a phase. */
  | { readonly kind: "map" };

export type RunEvent =
  | { readonly kind: "beat"; readonly beat: MemberBeat }
  /** A probe was answered: the worker lives, whatever its beats do. */
  | { readonly kind: "alive"; readonly workerId: string }
  /** `attempt`: of which `attach` effect; an older one's answer says nothing about the newer. */
  | { readonly kind: "attached"; readonly workerId: string; readonly attempt?: number }
  /**
   * Lost: unreachable, crashed, refused to attach. Its work goes to others. With `attempt` or `assignmentId` it was
   * that attach, or that piece of work, which noticed: too late when the worker has been given up since.
   */
  | {
      readonly kind: "lost";
      readonly workerId: string;
      readonly reason: string;
      readonly attempt?: number;
      readonly assignmentId?: string;
    }
  /** `digest` of the whole result: what an audit compares. */
  | { readonly kind: "done"; readonly assignmentId: string; readonly digest?: string }
  /** The worker lives and says that the work itself failed. */
  | { readonly kind: "failed"; readonly assignmentId: string; readonly reason: string }
  /** The result is not what it claims to be; `isNumeric`: it holds NaN or infinity. */
  | { readonly kind: "bad"; readonly assignmentId: string; readonly reason: string; readonly isNumeric: boolean }
  /** Sharded: the work was not done, since these workers did not give what it needs. */
  | { readonly kind: "cut-off"; readonly assignmentId: string; readonly missing: readonly string[] }
  /** A `settle` effect is complete and durable. `endRounds`: the stop rule fired, with its reason. */
  | { readonly kind: "settled"; readonly endRounds?: string }
  /** Sharded: instead of that, nobody gave the state that had to be kept. */
  | { readonly kind: "unsettled"; readonly reason: string }
  /** A `rewind` effect is complete: the state of this step's beginning is at the coordinator. */
  | { readonly kind: "rewound"; readonly step: number }
  | { readonly kind: "tick" }
  /** Null: there is room again. Else why nothing new may be begun. */
  | { readonly kind: "hold"; readonly reason: string | null }
  | { readonly kind: "stop"; readonly reason: string }
  /** Something no retry can mend: a full disk, a backbone nobody can use. */
  | { readonly kind: "fail"; readonly reason: string };

export type RunEffect =
  | { readonly kind: "attach"; readonly workerId: string; readonly attempt: number }
  /** Asks by gRPC whether the worker lives, and keeps its session alive; the answer is `alive`. */
  | { readonly kind: "probe"; readonly workerId: string }
  /** Frees the worker's lease and forgets its connection. */
  | { readonly kind: "release"; readonly workerId: string; readonly reason: string }
  | { readonly kind: "assign"; readonly assignment: Assignment; readonly phase: Phase; readonly purpose: Purpose }
  /** The result counts: keep it. */
  | { readonly kind: "accept"; readonly assignmentId: string }
  /** The result does not count: its unit was given to somebody else. */
  | { readonly kind: "discard"; readonly assignmentId: string }
  /** Every unit is in: combine the results, write what must last, then answer with `settled`. */
  | { readonly kind: "settle"; readonly phase: Phase; readonly purpose: Purpose; readonly lastStep: boolean }
  /** Sharded: no worker has the phase's model any more. Reads the newest checkpoint, then answers with `rewound`. */
  | { readonly kind: "rewind"; readonly phase: Phase }
  /** For the event log. */
  | { readonly kind: "report"; readonly record: { readonly kind: string; readonly [field: string]: unknown } }
  | { readonly kind: "finish"; readonly outcome: Outcome };

export type Outcome =
  | { readonly state: "done"; readonly reason: string }
  | { readonly state: "stopped"; readonly reason: string }
  | { readonly state: "failed"; readonly reason: string; readonly code?: "TRAINING_DIVERGED" };
