/**
 * Replicas of the model take local steps; the coordinator averages what they have moved by (`cluster.sync: local`). A
 * replica is a piece of work like any other: what it begins with is the parameters and nothing else, so that any worker
 * can do it, and do it again.
 */
import { OuterModel, type OuterOptions } from "../shared/aggregate/outer.js";
import { type Digest, float32Of } from "../shared/codec/digest.js";
import { stageOptions } from "../shared/config/stage-options.js";
import { type ParamSpecs, paramCount } from "../shared/data/param-specs.js";
import type { TrainingPoint } from "./adapters/training-point.js";
import type { WorkResult } from "./adapters/worker-links.js";
import { type Phase, stepsFrom } from "./core/plan.js";
import { stageOf, type WorkOrder } from "./requests.js";
import { type InitialModel, StarTraining } from "./stage-training.js";
import { type Defect, momentumState, StageTrainer, type StepOutcome } from "./training.js";

export class LocalTraining extends StarTraining {
  /** Of each replica's steps in the round under way. */
  private readonly losses = new Map<number, readonly number[]>();
  private specs: Digest | null = null;

  /** Blob with the layout of the parameters; null outside of training. */
  get specsDigest(): Digest | null {
    return this.specs;
  }

  override async begin(phase: Phase, { specs, values }: InitialModel): Promise<void> {
    const { scratch } = this.deps;
    const count = paramCount(specs);
    const placed = this.placed(values);
    const average = this.optionsOf(phase).emaDecay > 0 ? await scratch.floats(count) : null;
    const optimizer = { steps: 0, momentum: await scratch.floats(count) };
    this.open(phase, specs, { values: placed, optimizer, average });
  }

  override async goOn(phase: Phase, { specs, state }: TrainingPoint): Promise<void> {
    const { scratch } = this.deps;
    const { values, optimizer, average } = momentumState(state);
    this.open(phase, specs, {
      values: this.placed(values),
      optimizer: { steps: optimizer.steps, momentum: await scratch.placed(optimizer.momentum) },
      average: average && (await scratch.placed(average)),
    });
  }

  private open(phase: Phase, specs: ParamSpecs, { values, ...rest }: ReturnType<typeof momentumState>): void {
    const { blobs } = this.deps;
    this.losses.clear();
    if (this.specs) blobs.delete(this.specs);
    this.specs = blobs.put(Buffer.from(JSON.stringify(specs)));
    const model = new OuterModel({ values: float32Of(values), ...rest }, this.optionsOf(phase));
    this.trainer = new StageTrainer(specs, model, phase.units, blobs, this.rounding(phase), this.namingOfStep);
  }

  private optionsOf(phase: Phase): OuterOptions {
    const { method, cluster } = this.deps.config;
    const { emaDecay } = stageOptions(method, stageOf(phase));
    const { outerLearningRate: learningRate, outerMomentum: momentum } = cluster;
    return { learningRate, momentum, replicas: phase.units, localSteps: phase.localSteps ?? 1, emaDecay };
  }

  override async inspect(order: WorkOrder, result: WorkResult): Promise<Defect | null> {
    const { notFinite, losses = [] } = result.metrics;
    if (notFinite !== undefined) return { reason: notFinite, isNumeric: true };
    const { phase, purpose } = order;
    const steps = purpose.kind === "step" ? stepsFrom(phase, purpose.step) : 0;
    if (losses.length !== steps)
      return { reason: `it tells the losses of ${losses.length} steps, not of ${steps}`, isNumeric: false };
    return super.inspect(order, result);
  }

  override accept(order: WorkOrder, result: WorkResult): void {
    this.losses.set(order.assignment.first, result.metrics.losses ?? []);
    super.accept(order, result);
  }

  override async update(phase: Phase, step: number): Promise<StepOutcome> {
    const outcome = await super.update(phase, step);
    const losses = Array.from({ length: stepsFrom(phase, step) }, (_, i) => this.meanLoss(phase, i));
    this.losses.clear();
    return { ...outcome, losses };
  }

  /** In the order of the replicas, whoever came first. */
  private meanLoss({ units }: Phase, localStep: number): number {
    let sum = 0;
    for (let replica = 0; replica < units; replica++) sum += this.losses.get(replica)?.[localStep] ?? Number.NaN;
    return sum / units;
  }

  override async finish(): Promise<Digest> {
    const digest = await super.finish();
    if (this.specs) this.deps.blobs.delete(this.specs);
    this.specs = null;
    return digest;
  }
}
