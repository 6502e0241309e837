/** One copy of a model and of its optimiser's state, and what a step's gradient sum does to it: the same bits in every copy. */
import type { ParamSpecs } from "../data/param-specs.js";
import { AppError } from "../errors.js";
import type { StageRounding } from "../math/rounding.js";
import { blockFloats } from "../math/vectors.js";
import { sumTailFloats } from "../math/wire.js";
import { AdamW, type AdamWState, type BlockMove } from "./adamw.js";
import { type Floats, pagesOf } from "./floats.js";
import { learningRateAt, type ScheduleOptions } from "./learning-rate.js";
import type { HelpedStep, StepHelpers } from "./step-helpers.js";
import { WeightAverage } from "./weight-average.js";
import { WeightChange } from "./weight-change.js";

export interface StageOptions extends ScheduleOptions {
  readonly weightDecay: number;
  /** 0: the last step's parameters are the model; else their average over steps is (WeightAverage). */
  readonly emaDecay: number;
  readonly leafCount: number;
}

/** What a model's optimiser must keep: AdamW's two moments, or the momentum of an outer optimiser. */
export type OptimizerState = AdamWState | MomentumState;

export interface MomentumState {
  /** Updates so far. */
  readonly steps: number;
  readonly momentum: Floats;
}

/** All that the next step is a function of, besides its gradients. */
export interface ReplicaState<O extends OptimizerState = AdamWState> {
  readonly values: Float32Array;
  readonly optimizer: O;
  /** Of the parameters over steps; null when there is to be none. */
  readonly average: Floats | null;
}

export interface ReplicaOptions {
  /** Null: parameters move as the optimiser says. */
  readonly rounding?: StageRounding | null;
  /** Whether somebody wants the change of each step instead of the parameters. */
  readonly offersChange?: boolean;
  /** Other threads that take a part in updates. */
  readonly helpers?: StepHelpers | undefined;
}

/**
 * Hears of each block of the parameters that has moved, in order, while it is in the cache, and of its change as it travels, where that
 * is offered. Blocks are of a multiple of 16 numbers, but for the last.
 */
export type BlockMoved = (block: Float32Array, change: Uint8Array | null) => void;

/** A model that training moves on, whatever the sums of its workers are of. */
export interface StageModel {
  /** Valid until the next update. */
  readonly values: Float32Array;
  readonly state: ReplicaState<OptimizerState>;
  /** What the last update has done to the parameters, as it travels; null: they are offered whole. */
  readonly change: Uint8Array | null;
  /** Moves the parameters on; `total` is used up. Returns the mean loss. @throws AppError TRAINING_DIVERGED */
  update(total: Floats, step: number, moved?: BlockMoved): Promise<number>;
  /** After the last step: the parameters become the model's. */
  finish(): Promise<void>;
}

export class Replica implements StageModel {
  private readonly optimizer: AdamW;
  private readonly average: WeightAverage | null;
  private readonly rounded: WeightChange | null;
  private readonly helpers: StepHelpers | undefined;

  /** Takes the state over: a copy would be another model in memory. */
  constructor(
    private readonly specs: ParamSpecs,
    private readonly held: ReplicaState,
    private readonly options: StageOptions,
    { rounding = null, offersChange = false, helpers }: ReplicaOptions = {},
  ) {
    const { optimizer, average } = held;
    this.rounded = WeightChange.of(rounding, held.values.length, offersChange);
    this.optimizer = new AdamW(specs, { weightDecay: options.weightDecay }, optimizer);
    // What is rounded is moved block by block by the one who rounds it.
    this.helpers = this.rounded ? undefined : helpers;
    this.average = average && new WeightAverage(average, options.emaDecay, optimizer.steps);
  }

  /** Valid until the next update. */
  get values(): Float32Array {
    return this.held.values;
  }

  /** What the last update has done to the parameters, as it travels; valid until the next one. Null: it is not offered. */
  get change(): Uint8Array | null {
    return this.rounded?.bytes ?? null;
  }

  /** Valid until the next update. */
  get state(): ReplicaState {
    return { ...this.held, optimizer: this.optimizer.state() };
  }

  /**
   * Moves the parameters by the mean of the gradients whose sum is `total`. Returns the mean loss.
   * @throws AppError TRAINING_DIVERGED when the loss, or a number of the gradient, is not finite. Then the state is of no step.
   */
  async update(total: Floats, step: number, moved?: BlockMoved): Promise<number> {
    const count = this.values.length;
    const [lossSum = Number.NaN, weight = 0] = await total.page(count, count + sumTailFloats);
    if (!Number.isFinite(lossSum)) throw diverged("loss", step);
    const { rounded } = this;
    rounded?.begin(step);
    const gradientOf = (at: number, end: number) => total.page(at, end);
    const moving: BlockMove = (block, first, move) => {
      if (!(rounded ? rounded.moving(block, first, move) : move(block))) return false;
      moved?.(block, rounded?.part(first, block.length) ?? null);
      return true;
    };
    const [learningRate, scale] = [learningRateAt(step, this.options), Math.fround(1 / weight)];
    const helped = this.helpedBy(total, learningRate, scale);
    const range = [0, helped?.first ?? count] as const;
    const size = rounded ? { movedFloats: blockFloats } : {};
    const areNumbers = await allDone([
      this.optimizer.step(this.values, gradientOf, learningRate, { scale, moving, range, ...size }),
      helped?.areNumbers ?? Promise.resolve(true),
    ]);
    if (!areNumbers.every(Boolean)) throw diverged("gradient", step);
    if (moved) for (const [at, end] of pagesOf(count, range[1])) moved(this.values.subarray(at, end), null);
    await this.average?.add(this.values);
    return lossSum / weight;
  }

  /** Null: nobody helps. */
  private helpedBy({ values: gradient }: Floats, learningRate: number, scale: number): HelpedStep | null {
    const { first, second, steps } = this.optimizer.state();
    const [m, v] = [first.values, second.values];
    if (!this.helpers || !gradient || !m || !v) return null;
    const { specs, options, values } = this;
    const numbers = { values, m, v, gradient: gradient.subarray(0, values.length) };
    const { weightDecay } = options;
    return this.helpers.begin(numbers, { tensors: specs, weightDecay, steps, learningRate, scale });
  }

  /** After the last step: the parameters become the model's. */
  async finish(): Promise<void> {
    await this.average?.copyInto(this.values);
  }
}

/** In the order in which a checkpoint has them. */
export function momentsOf(optimizer: OptimizerState): readonly Floats[] {
  return "momentum" in optimizer ? [optimizer.momentum] : [optimizer.first, optimizer.second];
}

/** When nobody is at work any more, whoever failed: what has not moved yet must not move later. */
async function allDone<T>(parts: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

function diverged(what: string, step: number): AppError {
  return new AppError("TRAINING_DIVERGED", `the ${what} of step ${step} is not finite`);
}
