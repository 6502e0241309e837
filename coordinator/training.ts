/** One stage of training: sums the gradients of a step along the tree, updates the parameters, hands out the new ones. */
import { assert } from "../shared/assert.js";
import { bytesOf, type Digest, float32Of, sha256 } from "../shared/codec/digest.js";
import type { ParamSpecs } from "../shared/data/param-specs.js";
import { AppError } from "../shared/errors.js";
import { coverRange, type LeafRange, nodeKey, rootOf, type TreeNode, TreeSums } from "../shared/math/tree-sum.js";
import type { MemoryBlobs } from "../shared/net/blobs.js";
import { AdamW, type AdamWState } from "./aggregate/adamw.js";
import { addFloats, type Floats, notFiniteAt } from "./aggregate/floats.js";
import { learningRateAt, type ScheduleOptions } from "./aggregate/learning-rate.js";
import { WeightAverage } from "./aggregate/weight-average.js";

export interface StageOptions extends ScheduleOptions {
  readonly weightDecay: number;
  /** 0: the last step's parameters are the model; else their average over steps is (WeightAverage). */
  readonly emaDecay: number;
  readonly leafCount: number;
}

export interface StepOutcome {
  /** Mean loss per image of the step. */
  readonly loss: number;
  readonly weightsDigest: Digest;
}

/** All that the next step is a function of, besides its gradients. */
export interface TrainerState {
  readonly values: Uint8Array;
  readonly optimizer: AdamWState;
  /** Of the parameters over steps; null when there is to be none. */
  readonly average: Floats | null;
}

/** Gradients of a tree node's leaves, then the sum of their losses, then how many images they are of. */
export interface GradientSum {
  /** nodeKey of the node. */
  readonly name: string;
  readonly floats: Floats;
}

/** Why a result cannot be used. */
export interface Defect {
  readonly reason: string;
  /** It holds NaN or infinity: the worker's fault, or the training's. */
  readonly isNumeric: boolean;
}

export class StageTrainer {
  private readonly values: Float32Array;
  private readonly optimizer: AdamW;
  private readonly average: WeightAverage | null;
  private sums: TreeSums<Promise<Floats>>;
  private digest: Digest;

  /** Takes the state over: a copy would be another model in memory. */
  constructor(
    readonly specs: ParamSpecs,
    { values, optimizer, average }: TrainerState,
    private readonly options: StageOptions,
    private readonly blobs: MemoryBlobs,
  ) {
    this.values = float32Of(values);
    this.optimizer = new AdamW(specs, { weightDecay: options.weightDecay }, optimizer);
    this.average = average && new WeightAverage(average, options.emaDecay, optimizer.steps);
    this.sums = this.noSums();
    this.digest = this.publish();
  }

  get weightsDigest(): Digest {
    return this.digest;
  }

  /** The parameters' bytes; valid until the next update. */
  get bytes(): Uint8Array {
    return bytesOf(this.values);
  }

  /** For a checkpoint; valid until the next update. */
  get state(): TrainerState {
    return { values: this.bytes, optimizer: this.optimizer.state(), average: this.average?.floats ?? null };
  }

  /** What is wrong with the sums of these leaves; null: nothing. */
  async inspect(sums: readonly GradientSum[], leaves: LeafRange): Promise<Defect | null> {
    const wanted = coverRange(leaves, this.options.leafCount).map(nodeKey);
    const names = sums.map(({ name }) => name);
    if (names.join() !== wanted.join()) return wrong(`it has the sums ${names.join()}, not ${wanted.join()}`);
    const count = this.values.length + 2;
    for (const { name, floats } of sums) {
      if (floats.length !== count) return wrong(`sum ${name} has ${floats.length} numbers, not ${count}`);
      const at = await notFiniteAt(floats);
      if (at >= 0) return { reason: `sum ${name} is not finite at ${at} of ${count}`, isNumeric: true };
    }
    return null;
  }

  /** Siblings are added as they meet; `apply` hears of it when that fails. */
  accept(sums: readonly GradientSum[]): void {
    for (const { name, floats } of sums) {
      assert(floats.length === this.values.length + 2, `a gradient sum has ${this.values.length} + 2 numbers`);
      assert(this.sums.add(parseNode(name), Promise.resolve(floats)), `node ${name} is counted once`);
    }
  }

  /** Updates the parameters with the step's mean gradient. @throws AppError TRAINING_DIVERGED */
  async apply(step: number): Promise<StepOutcome> {
    const total = await this.sums.total();
    assert(total, `every leaf below ${JSON.stringify(rootOf(this.options.leafCount))} is in`);
    const count = this.values.length;
    const [lossSum = Number.NaN, weight = 0] = await total.page(count, count + 2);
    const scale = Math.fround(1 / weight);
    let isNumber = Number.isFinite(lossSum);
    const meanGradient = async (at: number, end: number) => {
      const gradient = await total.page(at, end);
      for (let i = 0; i < gradient.length; i++) {
        gradient[i] = gradient[i]! * scale;
        isNumber &&= Number.isFinite(gradient[i]!);
      }
      if (!isNumber) throw new AppError("TRAINING_DIVERGED", `the gradient of step ${step} is not finite`);
      return gradient;
    };
    this.blobs.delete(this.digest);
    await this.optimizer.step(this.values, meanGradient, learningRateAt(step, this.options));
    await this.average?.add(this.values);
    await total.close();
    this.sums = this.noSums();
    this.digest = this.publish();
    return { loss: lossSum / weight, weightsDigest: this.digest };
  }

  /** After the last step: the parameters become the model's, and what the state has on disk is given back. */
  async finish(): Promise<void> {
    const { first, second } = this.optimizer.state();
    if (this.average) {
      this.blobs.delete(this.digest);
      await this.average.copyInto(this.values);
      this.digest = this.publish();
    }
    await Promise.all([first.close(), second.close(), this.average?.floats.close()]);
  }

  private noSums(): TreeSums<Promise<Floats>> {
    return new TreeSums(this.options.leafCount, (left, right) => {
      const sum = Promise.all([left, right]).then(([a, b]) => addFloats(a, b));
      sum.catch(() => undefined);
      return sum;
    });
  }

  /**
   * Served without a copy. All results of a step are in before the next update, so nobody whose work counts still pulls;
   * a straggler that does finds that the bytes are not what their name says, and its work would not count anyway.
   */
  private publish(): Digest {
    return this.blobs.put(this.bytes, sha256(this.bytes));
  }
}

function wrong(reason: string): Defect {
  return { reason, isNumeric: false };
}

function parseNode(name: string): TreeNode {
  const [level, index] = name.split(":").map(Number);
  assert(Number.isInteger(level) && Number.isInteger(index), `"${name}" names a tree node`);
  return { level: level!, index: index! };
}
