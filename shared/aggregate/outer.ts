/**
 * The outer optimiser of DiLoCo (Douillard et al. 2023, arXiv 2311.08105): replicas of the model have taken local steps
 * from the same parameters; the mean of what they moved by, the outer gradient, moves the parameters with Nesterov's
 * momentum. Uses +, - and * only: the same sums give the same bits everywhere.
 */
import { AppError } from "../errors.js";
import { sumTailFloats } from "../math/wire.js";
import { type Floats, pagesOf } from "./floats.js";
import type { BlockMoved, MomentumState, ReplicaState, StageModel } from "./replica.js";
import { WeightAverage } from "./weight-average.js";

export interface OuterOptions {
  /** .7 in the paper. */
  readonly learningRate: number;
  /** .9 in the paper. */
  readonly momentum: number;
  /** Replicas that a sum is of. */
  readonly replicas: number;
  /** Steps that each takes between two updates. */
  readonly localSteps: number;
  /** As of StageOptions, per local step; 0: no average is kept. */
  readonly emaDecay: number;
}

export type OuterState = ReplicaState<MomentumState>;

export class OuterModel implements StageModel {
  /** Parameters are pulled whole: once in a round. */
  readonly change = null;
  private readonly average: WeightAverage | null;
  private updates: number;

  /** Takes the state over: a copy would be another model in memory. */
  constructor(
    private readonly held: OuterState,
    private readonly options: OuterOptions,
  ) {
    const { average, optimizer } = held;
    this.updates = optimizer.steps;
    this.average = average && new WeightAverage(average, repeated(options), optimizer.steps);
  }

  get values(): Float32Array {
    return this.held.values;
  }

  /** Valid until the next update. */
  get state(): OuterState {
    const { optimizer } = this.held;
    return { ...this.held, optimizer: { ...optimizer, steps: this.updates } };
  }

  /**
   * `total`: sum over the replicas of old minus new parameters, then of their losses, then of their images. Returns the mean
   * loss. @throws AppError TRAINING_DIVERGED
   */
  async update(total: Floats, step: number, moved?: BlockMoved): Promise<number> {
    const { values } = this;
    const [lossSum = Number.NaN, images = 0] = await total.page(values.length, values.length + sumTailFloats);
    for (const [at, end] of pagesOf(values.length)) {
      await this.move(at, await total.page(at, end), step);
      moved?.(values.subarray(at, end), null);
    }
    this.updates++;
    await this.average?.add(values);
    return lossSum / images;
  }

  private async move(at: number, sum: Float32Array, step: number): Promise<void> {
    const { learningRate, momentum: keep, replicas } = this.options;
    const { momentum } = this.held.optimizer;
    const page = await momentum.page(at, at + sum.length);
    const values = this.values.subarray(at, at + sum.length);
    let isNumber = true;
    for (let i = 0; i < sum.length; i++) {
      const gradient = sum[i]! / replicas;
      isNumber &&= Number.isFinite(gradient);
      const velocity = keep * page[i]! + gradient;
      page[i] = velocity;
      values[i] = values[i]! - learningRate * (gradient + keep * velocity);
    }
    if (!isNumber) throw new AppError("TRAINING_DIVERGED", `the mean of the replicas after step ${step} is not finite`);
    await momentum.put(at, page);
  }

  /** After the last step: the parameters become the model's. */
  async finish(): Promise<void> {
    await this.average?.copyInto(this.values);
  }
}

/** The decay of so many steps, by multiplication: the bits of Math.pow differ between engines. */
function repeated({ emaDecay, localSteps }: OuterOptions): number {
  let decay = 1;
  for (let step = 0; step < localSteps; step++) decay *= emaDecay;
  return decay;
}
