/**
 * One stage of training: sums what workers send along the tree (gradients of a step, or what replicas have moved by),
 * updates the parameters, hands out the new ones.
 */
import type { AdamWState } from "../shared/aggregate/adamw.js";
import { addFloats, type Floats, notFiniteAt } from "../shared/aggregate/floats.js";
import {
  type MomentumState,
  momentsOf,
  type OptimizerState,
  Replica,
  type ReplicaState,
  type StageModel,
  type StageOptions,
} from "../shared/aggregate/replica.js";
import { assert } from "../shared/assert.js";
import { bySha256, type NewNaming, nameOf } from "../shared/codec/checksum.js";
import { bytesOf, type Digest, float32Of } from "../shared/codec/digest.js";
import type { ParamSpecs } from "../shared/data/param-specs.js";
import { AppError } from "../shared/errors.js";
import { roundingOf, type StageRounding } from "../shared/math/rounding.js";
import { coverRange, type LeafRange, nodeKey, parseNode, rootOf, TreeSums } from "../shared/math/tree-sum.js";
import { sumTailFloats } from "../shared/math/wire.js";
import type { MemoryBlobs } from "../shared/net/blobs.js";

export interface StepOutcome {
  /** Mean loss per image. */
  readonly loss: number;
  /** Of each step that has been taken; left out: it is one. */
  readonly losses?: readonly number[];
  readonly weightsDigest: Digest;
}

/** A model's state, its parameters as bytes. */
export interface TrainerState<O extends OptimizerState = OptimizerState> extends Omit<ReplicaState<O>, "values"> {
  readonly values: Uint8Array;
}

/** What every worker's or the coordinator's AdamW goes on from. @throws AppError CHECKPOINT_INVALID of another optimiser's */
export function adamwState({ values, optimizer, average }: TrainerState): TrainerState<AdamWState> {
  if ("first" in optimizer) return { values, optimizer, average };
  throw new AppError("CHECKPOINT_INVALID", "the checkpoint is of local steps (cluster.sync local), the run takes none");
}

/** What an outer optimiser goes on from. @throws AppError CHECKPOINT_INVALID of another optimiser's */
export function momentumState({ values, optimizer, average }: TrainerState): TrainerState<MomentumState> {
  if ("momentum" in optimizer) return { values, optimizer, average };
  throw new AppError(
    "CHECKPOINT_INVALID",
    "the checkpoint is of single steps, the run takes local ones (cluster.sync)",
  );
}

/** The model that takes one step of AdamW with every sum of gradients. Takes the state over. */
export function steppingModel(
  specs: ParamSpecs,
  { values, ...rest }: TrainerState<AdamWState>,
  options: StageOptions,
  rounding: StageRounding | null = null,
): Replica {
  return new Replica(specs, { values: float32Of(values), ...rest }, options, { rounding, offersChange: true });
}

/** Of a tree node's leaves the gradients, or what replicas have moved by; then the sum of their losses, then how many images they are of. */
export interface GradientSum {
  /** nodeKey of the node. */
  readonly name: string;
  readonly floats: Floats;
}

/** The blob of a step's rounded change, and the digest of the parameters that it moves. */
export interface WeightsChange {
  readonly base: Digest;
  readonly digest: Digest;
}

/** Why a result cannot be used. */
export interface Defect {
  readonly reason: string;
  /** It holds NaN or infinity: the worker's fault, or the training's. */
  readonly isNumeric: boolean;
}

export class StageTrainer {
  private sums: TreeSums<Promise<Floats>>;
  private digest: Digest;
  private changeHeld: WeightsChange | null = null;

  constructor(
    readonly specs: ParamSpecs,
    private readonly model: StageModel,
    /** Micro-batches of a step, or replicas. */
    private readonly leafCount: number,
    private readonly blobs: MemoryBlobs,
    private readonly rounding: StageRounding | null = null,
    /** Of parameters, and their changes, that only the next step needs. */
    private readonly newNaming: NewNaming = bySha256,
  ) {
    this.sums = this.noSums();
    this.digest = this.publish(newNaming);
  }

  get weightsDigest(): Digest {
    return this.digest;
  }

  /** How the parameters follow from those before the last update. Null: workers need them whole. */
  get change(): WeightsChange | null {
    return this.changeHeld;
  }

  private withdrawChange(): void {
    if (this.changeHeld) this.blobs.delete(this.changeHeld.digest);
    this.changeHeld = null;
  }

  /** The parameters' bytes; valid until the next update. */
  get bytes(): Uint8Array {
    return bytesOf(this.model.values);
  }

  /** For a checkpoint; valid until the next update. */
  get state(): TrainerState {
    return { ...this.model.state, values: this.bytes };
  }

  /** What is wrong with the sums of these leaves; null: nothing. */
  async inspect(sums: readonly GradientSum[], leaves: LeafRange): Promise<Defect | null> {
    const wanted = coverRange(leaves, this.leafCount).map(nodeKey);
    const names = sums.map(({ name }) => name);
    if (names.join() !== wanted.join()) return wrong(`it has the sums ${names.join()}, not ${wanted.join()}`);
    const count = this.model.values.length + sumTailFloats;
    for (const { name, floats } of sums) {
      if (floats.length !== count) return wrong(`sum ${name} has ${floats.length} numbers, not ${count}`);
      const at = await notFiniteAt(floats);
      if (at >= 0) return { reason: `sum ${name} is not finite at ${at} of ${count}`, isNumeric: true };
    }
    return null;
  }

  /** Siblings are added as they meet; `apply` hears of it when that fails. */
  accept(sums: readonly GradientSum[]): void {
    const count = this.model.values.length;
    for (const { name, floats } of sums) {
      assert(floats.length === count + sumTailFloats, `a gradient sum has ${count} + ${sumTailFloats} numbers`);
      assert(this.sums.add(parseNode(name), Promise.resolve(floats)), `node ${name} is counted once`);
    }
  }

  /** Updates the parameters with what is in, of the step or of those from it on. @throws AppError TRAINING_DIVERGED */
  async apply(step: number): Promise<StepOutcome> {
    const total = await this.sums.total();
    assert(total, `every leaf below ${JSON.stringify(rootOf(this.leafCount))} is in`);
    this.blobs.delete(this.digest);
    this.withdrawChange();
    const base = this.digest;
    const [values, change] = [this.newNaming(), this.newNaming()];
    const loss = await this.model.update(total, step, (block, changed) => {
      values.update(bytesOf(block));
      if (changed) change.update(changed);
    });
    await total.close();
    this.sums = this.noSums();
    this.digest = this.blobs.put(this.bytes, values.digest("hex"));
    const bytes = this.model.change;
    this.changeHeld = bytes && { base, digest: this.blobs.put(bytes, change.digest("hex")) };
    return { loss, weightsDigest: this.digest };
  }

  /** After the last step: the parameters become the model's, and what the state has on disk is given back. */
  async finish(): Promise<void> {
    const { optimizer, average } = this.model.state;
    this.withdrawChange();
    this.blobs.delete(this.digest);
    await this.model.finish();
    this.digest = this.publish(bySha256);
    await Promise.all([...momentsOf(optimizer), average].map((floats) => floats?.close()));
  }

  private noSums(): TreeSums<Promise<Floats>> {
    const { rounding } = this;
    const round = rounding && roundingOf({ ...rounding, step: this.model.state.optimizer.steps });
    return new TreeSums(this.leafCount, (left, right, parent) => {
      const sum = Promise.all([left, right]).then(async ([a, b]) =>
        addFloats(a, b, (...page) => round?.(parent, ...page)),
      );
      sum.catch(() => undefined);
      return sum;
    });
  }

  /**
   * Served without a copy. All results of a step are in before the next update, so nobody whose work counts still pulls;
   * a straggler that does finds that the bytes are not what their name says, and its work would not count anyway.
   */
  private publish(newNaming: NewNaming): Digest {
    return this.blobs.put(this.bytes, nameOf(this.model.values, newNaming));
  }
}

function wrong(reason: string): Defect {
  return { reason, isNumeric: false };
}
