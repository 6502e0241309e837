/** One stage of training: sums the gradients of a step along the tree, updates the parameters, hands out the new ones. */
import { assert } from "../shared/assert.js";
import { bytesOf, type Digest, float32Of, sha256 } from "../shared/codec/digest.js";
import type { ParamSpecs } from "../shared/data/param-specs.js";
import { AppError } from "../shared/errors.js";
import {
  coverRange,
  type LeafRange,
  nodeKey,
  rootOf,
  TreeAccumulator,
  type TreeNode,
} from "../shared/math/tree-sum.js";
import type { MemoryBlobs } from "../shared/net/blobs.js";
import { AdamW, type AdamWState } from "./aggregate/adamw.js";
import { learningRateAt, type ScheduleOptions } from "./aggregate/learning-rate.js";

export interface StageOptions extends ScheduleOptions {
  readonly weightDecay: number;
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
}

export interface SumOutput {
  readonly name: string;
  readonly bytes: Uint8Array;
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
  private sums: TreeAccumulator;
  private digest: Digest;

  constructor(
    readonly specs: ParamSpecs,
    initial: Uint8Array,
    private readonly options: StageOptions,
    private readonly blobs: MemoryBlobs,
    /** Of a checkpoint that training goes on from. */
    optimizer?: AdamWState,
  ) {
    this.values = float32Of(initial.slice());
    this.optimizer = new AdamW(specs, { weightDecay: options.weightDecay });
    if (optimizer) this.optimizer.restore(optimizer);
    this.sums = new TreeAccumulator(options.leafCount);
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
    return { values: this.bytes, optimizer: this.optimizer.state() };
  }

  /** What is wrong with the sums of these leaves; null: nothing. */
  inspect(outputs: readonly SumOutput[], leaves: LeafRange): Defect | null {
    const wanted = coverRange(leaves, this.options.leafCount).map(nodeKey);
    const names = outputs.map(({ name }) => name);
    if (names.join() !== wanted.join()) return wrong(`it has the sums ${names.join()}, not ${wanted.join()}`);
    const count = this.values.length + 2;
    for (const { name, bytes } of outputs) {
      if (bytes.byteLength !== count * 4) return wrong(`sum ${name} has ${bytes.byteLength} bytes, not ${count * 4}`);
      const at = float32Of(bytes).findIndex((value) => !Number.isFinite(value));
      if (at >= 0) return { reason: `sum ${name} is not finite at ${at} of ${count}`, isNumeric: true };
    }
    return null;
  }

  accept(outputs: readonly SumOutput[]): void {
    for (const { name, bytes } of outputs) {
      const sum = float32Of(bytes);
      assert(sum.length === this.values.length + 2, `a gradient sum has ${this.values.length} + 2 numbers`);
      assert(this.sums.add(parseNode(name), sum), `node ${name} is counted once`);
    }
  }

  /** Updates the parameters with the step's mean gradient. */
  apply(step: number): StepOutcome {
    const total = this.sums.total();
    assert(total, `every leaf below ${JSON.stringify(rootOf(this.options.leafCount))} is in`);
    const count = this.values.length;
    const weight = total[count + 1]!;
    const gradient = total.subarray(0, count);
    const scale = Math.fround(1 / weight);
    let isNumber = Number.isFinite(total[count]!);
    for (let i = 0; i < count; i++) {
      gradient[i] = gradient[i]! * scale;
      isNumber &&= Number.isFinite(gradient[i]!);
    }
    if (!isNumber) throw new AppError("TRAINING_DIVERGED", `the gradient of step ${step} is not finite`);
    this.blobs.delete(this.digest);
    this.optimizer.step(this.values, gradient, learningRateAt(step, this.options));
    this.sums = new TreeAccumulator(this.options.leafCount);
    this.digest = this.publish();
    return { loss: total[count]! / weight, weightsDigest: this.digest };
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
