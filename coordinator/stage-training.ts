/** One stage of training after the other: what a run needs of it, whoever holds the model. */
import type { AdamWState } from "../shared/aggregate/adamw.js";
import type { MemoryFloats } from "../shared/aggregate/floats.js";
import type { StageOptions } from "../shared/aggregate/replica.js";
import { byChecksum, bySha256, type NewNaming } from "../shared/codec/checksum.js";
import { bytesOf, type Digest, float32Of } from "../shared/codec/digest.js";
import { stageOptions } from "../shared/config/stage-options.js";
import type { ParamSpecs } from "../shared/data/param-specs.js";
import { paramCount } from "../shared/data/param-specs.js";
import type { StageRounding } from "../shared/math/rounding.js";
import type { MemoryBlobs } from "../shared/net/blobs.js";
import type { RunStore } from "./adapters/run-store.js";
import type { Scratch } from "./adapters/scratch.js";
import type { TrainingPoint } from "./adapters/training-point.js";
import type { WorkResult } from "./adapters/worker-links.js";
import type { RunConfig } from "./config.js";
import { type Phase, phaseKey } from "./core/plan.js";
import type { WorkOrder } from "./requests.js";
import { stageOf } from "./requests.js";
import {
  adamwState,
  type Defect,
  StageTrainer,
  type StepOutcome,
  steppingModel,
  type TrainerState,
  type WeightsChange,
} from "./training.js";

export interface InitialModel {
  readonly specs: ParamSpecs;
  readonly values: Uint8Array;
}

/** Where training stands, besides what the model's holder knows. */
export interface Standing {
  readonly losses: readonly [number, number | null][];
  /** Phases whose checkpoints nobody needs any more. */
  readonly done: readonly string[];
}

/** A stage's training. Every method but `begin` and `goOn` is of the stage that they have begun. */
export interface StageTraining {
  /** Parameters of the step under way; null outside of training. */
  readonly weightsDigest: Digest | null;
  /** How they follow from those of the step before; null: workers need them whole. */
  readonly weightsChange: WeightsChange | null;
  /** Sums, parameters and their changes are to be named by checksums (shared/codec/checksum.ts). */
  readonly hasChecksums: boolean;
  begin(phase: Phase, initial: InitialModel, standing: Standing): Promise<void>;
  /** Goes on from a checkpoint. */
  goOn(phase: Phase, point: TrainingPoint): Promise<void>;
  /** What is wrong with a result; null: nothing. */
  inspect(order: WorkOrder, result: WorkResult): Promise<Defect | null>;
  accept(order: WorkOrder, result: WorkResult): void;
  /** All of the step is in. @throws AppError TRAINING_DIVERGED */
  update(phase: Phase, step: number): Promise<StepOutcome>;
  /** @throws StateLost */
  checkpoint(phase: Phase, nextStep: number, standing: Standing): Promise<void>;
  /** After the last step: the model is on disk and among the blobs under this digest. @throws StateLost */
  finish(phase: Phase): Promise<Digest>;
}

/** Nobody gives what a checkpoint is made of: training goes back to the one before. */
export class StateLost extends Error {}

export interface StageTrainingDeps {
  readonly config: RunConfig;
  readonly store: RunStore;
  readonly scratch: Scratch;
  readonly blobs: MemoryBlobs;
}

/** `taken`: steps since the last time that there could have been one. */
export function isCheckpointDue({ cluster }: RunConfig, nextStep: number, taken = 1): boolean {
  const every = cluster.checkpointSteps;
  return every > 0 && Math.floor(nextStep / every) > Math.floor((nextStep - taken) / every);
}

/** The coordinator holds the model, and sums and updates it (`topology: star`). */
export class StarTraining implements StageTraining {
  protected trainer: StageTrainer | null = null;
  private values: MemoryFloats | null = null;

  constructor(protected readonly deps: StageTrainingDeps) {}

  get weightsDigest(): Digest | null {
    return this.trainer?.weightsDigest ?? null;
  }

  get weightsChange(): WeightsChange | null {
    return this.trainer?.change ?? null;
  }

  async begin(phase: Phase, { specs, values }: InitialModel): Promise<void> {
    const { scratch } = this.deps;
    const count = paramCount(specs);
    const placed = this.placed(values);
    const average = this.optionsOfSteps(phase).emaDecay > 0 ? await scratch.floats(count) : null;
    this.openSteps(phase, specs, { values: placed, optimizer: await scratch.moments(count), average });
  }

  async goOn(phase: Phase, { specs, state }: TrainingPoint): Promise<void> {
    const { scratch } = this.deps;
    const { values, optimizer, average } = adamwState(state);
    const { steps, first, second } = optimizer;
    this.openSteps(phase, specs, {
      values: this.placed(values),
      optimizer: { steps, first: await scratch.placed(first), second: await scratch.placed(second) },
      average: average && (await scratch.placed(average)),
    });
  }

  private optionsOfSteps(phase: Phase): StageOptions {
    return stageOptions(this.deps.config.method, stageOf(phase));
  }

  private openSteps(phase: Phase, specs: ParamSpecs, state: TrainerState<AdamWState>): void {
    const { blobs } = this.deps;
    const options = this.optionsOfSteps(phase);
    const model = steppingModel(specs, state, options, this.rounding(phase));
    this.trainer = new StageTrainer(specs, model, options.leafCount, blobs, this.rounding(phase), this.namingOfStep);
  }

  /** Where nobody compares what two workers have sent. */
  get hasChecksums(): boolean {
    return this.deps.config.cluster.audit === 0;
  }

  /** Of what only the next step needs. */
  protected get namingOfStep(): NewNaming {
    return this.hasChecksums ? byChecksum : bySha256;
  }

  /** Parameters where the rest of the stage's model will lie. */
  protected placed(values: Uint8Array): Uint8Array {
    const { scratch } = this.deps;
    const numbers = float32Of(values);
    scratch.enter(numbers.length, this.deps.config.cluster.wire);
    this.values = scratch.placedInMemory(numbers);
    return bytesOf(this.values.values);
  }

  protected rounding(phase: Phase): StageRounding {
    const { seed, cluster } = this.deps.config;
    return { wire: cluster.wire, seed, stage: stageOf(phase) };
  }

  async inspect({ assignment }: WorkOrder, { sums }: WorkResult): Promise<Defect | null> {
    return this.trainer!.inspect(sums, assignment);
  }

  accept(_: WorkOrder, { sums }: WorkResult): void {
    this.trainer!.accept(sums);
  }

  update(_: Phase, step: number): Promise<StepOutcome> {
    return this.trainer!.apply(step);
  }

  /** Every so many steps: a killed coordinator loses those since the last one. */
  async checkpoint(phase: Phase, nextStep: number, { losses, done }: Standing): Promise<void> {
    const { config, store } = this.deps;
    if (!isCheckpointDue(config, nextStep, phase.localSteps)) return;
    const { specs, state } = this.trainer!;
    await store.writeTrainingPoint({ phase: phaseKey(phase), nextStep, specs, state, losses }, done);
  }

  async finish(): Promise<Digest> {
    const trainer = this.trainer!;
    await trainer.finish();
    const digest = trainer.weightsDigest;
    await this.deps.store.writeCheckpoint(digest, trainer.bytes, trainer.specs);
    // What workers pull from here on: where it was trained, the next model will be.
    if (trainer.bytes.buffer instanceof SharedArrayBuffer) this.deps.blobs.put(trainer.bytes.slice(), digest);
    await this.values?.close();
    this.trainer = null;
    return digest;
  }
}
