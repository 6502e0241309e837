/**
 * A run as a list of phases, known before it starts: classifier, seeds, then per round training, refining, evaluating.
 * A phase is the unit of durability: after each one the coordinator's disk holds all that the next one needs.
 */

export interface StagePlan {
  /** Optimiser updates. */
  readonly steps: number;
  /** Micro-batches per update: leaves of the sum tree. */
  readonly leafCount: number;
  /** Where replicas take local steps (cluster.sync local). */
  readonly local?: LocalPlan;
}

export interface LocalPlan {
  readonly replicas: number;
  /** That each takes before their parameters are averaged. */
  readonly steps: number;
}

export interface PlanOptions {
  readonly classifier: StagePlan;
  /** The first rounds, which train something smaller and are not evaluated; none if left out. */
  readonly mining?: StagePlan & { readonly rounds: number };
  readonly segmenter: StagePlan;
  /** All rounds, those that mine included. */
  readonly rounds: number;
  readonly trainShards: number;
  /** 0: no validation split, and no evaluating phases. */
  readonly valShards: number;
}

export type PhaseKind = "classify" | "seed" | "train" | "refine" | "evaluate";

export interface Phase {
  readonly kind: PhaseKind;
  /** 0 before the first round. */
  readonly round: number;
  /** Updates of a training phase; 0 for a map over shards. */
  readonly steps: number;
  /** Units of work that are open at the same time: micro-batches of a step, replicas, or shards. */
  readonly units: number;
  /** Local training: steps that every replica takes in an outer round. */
  readonly localSteps?: number;
}

export function planRun(options: PlanOptions): Phase[] {
  const phases: Phase[] = [
    training("classify", 0, options.classifier),
    { kind: "seed", round: 0, steps: 0, units: options.trainShards },
  ];
  for (let round = 1; round <= options.rounds; round++) {
    const isMining = round <= (options.mining?.rounds ?? 0);
    phases.push(training("train", round, isMining ? options.mining! : options.segmenter));
    phases.push({ kind: "refine", round, steps: 0, units: options.trainShards });
    if (options.valShards > 0 && !isMining)
      phases.push({ kind: "evaluate", round, steps: 0, units: options.valShards });
  }
  return phases;
}

function training(kind: PhaseKind, round: number, { steps, leafCount, local }: StagePlan): Phase {
  if (!local) return { kind, round, steps, units: leafCount };
  return { kind, round, steps, units: local.replicas, localSteps: local.steps };
}

/** Steps that the work which begins at `step` takes: of an outer round, the last of which may be shorter, or one. */
export function stepsFrom({ steps, localSteps = 1 }: Phase, step: number): number {
  return Math.min(localSteps, steps - step);
}

export interface OuterRound {
  /** From 1. */
  readonly number: number;
  readonly of: number;
}

/** The outer round that begins at `step`; null where every step is summed. */
export function outerRound({ steps, localSteps }: Phase, step: number): OuterRound | null {
  if (localSteps === undefined) return null;
  return { number: Math.floor(step / localSteps) + 1, of: Math.ceil(steps / localSteps) };
}

export function isTraining(phase: Phase): boolean {
  return phase.steps > 0;
}

/** "round 2 training": for people. */
export function describePhase(phase: Phase): string {
  const names: Record<PhaseKind, string> = {
    classify: "classifier",
    seed: "seeding",
    train: `round ${phase.round} training`,
    refine: `round ${phase.round} refining`,
    evaluate: `round ${phase.round} evaluating`,
  };
  return names[phase.kind];
}

/** "train-2": stable, for keys and file names. */
export function phaseKey(phase: Phase): string {
  return phase.round === 0 ? phase.kind : `${phase.kind}-${phase.round}`;
}
