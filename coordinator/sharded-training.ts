/**
 * Workers hold the model, sum slices of its gradients for each other and all update it (`topology: sharded`). What is here
 * does not grow with it: digests, the layout, and the state of a stage's or sitting's first step until it is taken.
 */
import { type Floats, pagesOf } from "../shared/aggregate/floats.js";
import { assert } from "../shared/assert.js";
import { bytesOf, type Digest } from "../shared/codec/digest.js";
import { stageOptions } from "../shared/config/stage-options.js";
import { type ParamSpecs, paramCount } from "../shared/data/param-specs.js";
import { coverRange, nodeKey } from "../shared/math/tree-sum.js";
import { sumBytes, sumTailFloats } from "../shared/math/wire.js";
import type { TrainingPoint } from "./adapters/training-point.js";
import type { KeptOutput, WorkResult } from "./adapters/worker-links.js";
import { type Phase, phaseKey } from "./core/plan.js";
import { stageOf, type WorkOrder } from "./requests.js";
import {
  type InitialModel,
  isCheckpointDue,
  type StageTraining,
  type StageTrainingDeps,
  type Standing,
  StateLost,
} from "./stage-training.js";
import { adamwState, type Defect, type StepOutcome } from "./training.js";

export interface ShardedDeps extends StageTrainingDeps {
  /** Numbers that a worker keeps under this digest. Throws when it does not give them. */
  readonly pullState: (workerId: string, output: KeptOutput) => Promise<Floats>;
}

/** What requests of a step say of it. */
export interface StageFacts {
  readonly specsDigest: Digest;
  /** Blobs of the state that workers begin with; empty when it has been taken. */
  readonly point: readonly KeptOutput[];
  /** Numbers in a sum. */
  readonly sumLength: number;
  readonly hashSums: boolean;
  /** Parts of the state that are kept after the step. */
  readonly keptAfter: (step: number) => readonly string[];
}

interface Stage {
  readonly specs: ParamSpecs;
  readonly facts: StageFacts;
  readonly hasAverage: boolean;
  weights: Digest;
  point: readonly KeptOutput[];
}

interface Update {
  readonly workerId: string;
  readonly outputs: readonly KeptOutput[];
  readonly loss: number;
}

export class ShardedTraining implements StageTraining {
  /** Workers move their own copies. */
  readonly weightsChange = null;
  private stage: Stage | null = null;
  private updates: Update[] = [];

  /** Sums stay among the workers. */
  readonly hasChecksums = false;

  constructor(private readonly deps: ShardedDeps) {}

  get weightsDigest(): Digest | null {
    return this.stage?.weights ?? null;
  }

  /** Null outside of training. */
  get facts(): StageFacts | null {
    return this.stage && { ...this.stage.facts, point: this.stage.point };
  }

  async begin(phase: Phase, { specs, values }: InitialModel, standing: Standing): Promise<void> {
    const { config, scratch, store } = this.deps;
    const count = paramCount(specs);
    const hasAverage = stageOptions(config.method, stageOf(phase)).emaDecay > 0;
    const optimizer = await scratch.moments(count);
    const average = hasAverage ? await scratch.floats(count) : null;
    // The model is nowhere else yet: a checkpoint of it before the first step, since workers may all be lost.
    const point: TrainingPoint = {
      ...{ phase: phaseKey(phase), nextStep: 0, specs, losses: [] },
      state: { values, optimizer, average },
    };
    await store.writeTrainingPoint(point, standing.done);
    await closeAll([optimizer.first, optimizer.second, average]);
    this.open(phase, specs, [this.put("values", values)]);
  }

  async goOn(phase: Phase, { specs, state }: TrainingPoint): Promise<void> {
    this.release();
    const { optimizer, average, values } = adamwState(state);
    const parts: Record<string, Floats | null> = { first: optimizer.first, second: optimizer.second, average };
    const point = [this.put("values", values)];
    for (const [name, floats] of Object.entries(parts)) if (floats) point.push(this.put(name, await bytesIn(floats)));
    await closeAll(Object.values(parts));
    this.open(phase, specs, point);
  }

  private open(phase: Phase, specs: ParamSpecs, point: readonly KeptOutput[]): void {
    const { config, blobs } = this.deps;
    const hasAverage = stageOptions(config.method, stageOf(phase)).emaDecay > 0;
    const kept = ["values", "first", "second", ...(hasAverage ? ["average"] : [])];
    const facts: StageFacts = {
      specsDigest: blobs.put(Buffer.from(JSON.stringify(specs))),
      point,
      sumLength: paramCount(specs) + sumTailFloats,
      hashSums: config.cluster.audit > 0,
      keptAfter: (step) => {
        if (step === phase.steps - 1) return [hasAverage ? "average" : "values"];
        return isCheckpointDue(config, step + 1) ? kept : [];
      },
    };
    this.updates = [];
    this.stage = { specs, facts, hasAverage, weights: point[0]!.digest, point };
  }

  private put(name: string, bytes: Uint8Array): KeptOutput {
    return { name, digest: this.deps.blobs.put(bytes), bytes: bytes.byteLength };
  }

  async inspect({ assignment, phase, purpose }: WorkOrder, result: WorkResult): Promise<Defect | null> {
    const { kept, metrics } = result;
    if (purpose.kind === "apply") {
      const isWhole = kept.some(({ name }) => name === "values") && metrics.loss !== undefined;
      return isWhole ? null : { reason: "the update tells neither its loss nor what it led to", isNumeric: false };
    }
    if (purpose.kind !== "step") return null;
    if (metrics.notFinite !== undefined) return { reason: metrics.notFinite, isNumeric: true };
    const wanted = coverRange(assignment, phase.units).map(nodeKey).join();
    const names = kept.map(({ name }) => name).join();
    if (names !== wanted) return { reason: `it has the sums ${names}, not ${wanted}`, isNumeric: false };
    const bytes = sumBytes(this.deps.config.cluster.wire, this.stage!.facts.sumLength);
    const odd = kept.find((sum) => sum.bytes !== bytes);
    return odd ? { reason: `sum ${odd.name} has ${odd.bytes} bytes, not ${bytes}`, isNumeric: false } : null;
  }

  accept({ assignment, purpose }: WorkOrder, { kept, metrics }: WorkResult): void {
    if (purpose.kind !== "apply") return;
    this.updates.push({ workerId: assignment.workerId, outputs: kept, loss: metrics.loss! });
  }

  async update(): Promise<StepOutcome> {
    const [first] = this.updates;
    assert(first, "somebody has updated the model");
    this.dropPoint();
    this.stage!.weights = named(first, "values").digest;
    return { loss: first.loss, weightsDigest: this.stage!.weights };
  }

  async checkpoint(phase: Phase, nextStep: number, { losses, done }: Standing): Promise<void> {
    const { config, store } = this.deps;
    const { specs } = this.stage!;
    if (isCheckpointDue(config, nextStep)) {
      await this.fromAnyone(this.stage!.facts.keptAfter(nextStep - 1), async ([values, first, second, average]) => {
        const optimizer = { steps: nextStep, first: first!, second: second! };
        const state = { values: await bytesIn(values!), optimizer, average: average ?? null };
        await store.writeTrainingPoint({ phase: phaseKey(phase), nextStep, specs, losses, state }, done);
      });
    }
    this.updates = [];
  }

  async finish(): Promise<Digest> {
    const { specs, hasAverage } = this.stage!;
    const name = hasAverage ? "average" : "values";
    await this.fromAnyone([name], async ([model]) => {
      const bytes = await bytesIn(model!);
      const digest = named(this.updates[0]!, name).digest;
      await this.deps.store.writeCheckpoint(digest, bytes, specs);
      this.deps.blobs.put(bytes, digest);
    });
    const { digest } = named(this.updates[0]!, name);
    this.release();
    return digest;
  }

  /** The parts of the state, of the first worker that gives them; all have the same. */
  private async fromAnyone(names: readonly string[], use: (parts: readonly Floats[]) => Promise<void>): Promise<void> {
    const reasons: string[] = [];
    for (const update of this.updates) {
      const parts: Floats[] = [];
      try {
        for (const name of names) parts.push(await this.deps.pullState(update.workerId, named(update, name)));
      } catch (error) {
        reasons.push(`${update.workerId}: ${error instanceof Error ? error.message : String(error)}`);
        await closeAll(parts);
        continue;
      }
      try {
        await use(parts);
      } finally {
        await closeAll(parts);
      }
      return;
    }
    throw new StateLost(`no worker gives its model: ${reasons.join("; ")}`);
  }

  private dropPoint(): void {
    for (const { digest } of this.stage!.point) this.deps.blobs.delete(digest);
    this.stage!.point = [];
  }

  private release(): void {
    if (!this.stage) return;
    this.dropPoint();
    this.deps.blobs.delete(this.stage.facts.specsDigest);
    this.stage = null;
    this.updates = [];
  }
}

function named({ outputs, workerId }: Update, name: string): KeptOutput {
  const found = outputs.find((output) => output.name === name);
  if (!found) throw new StateLost(`${workerId} has no "${name}"`);
  return found;
}

async function bytesIn(floats: Floats): Promise<Uint8Array> {
  const whole = new Float32Array(floats.length);
  for (const [at, end] of pagesOf(floats.length)) whole.set(await floats.page(at, end), at);
  return bytesOf(whole);
}

async function closeAll(all: readonly (Floats | null)[]): Promise<void> {
  await Promise.all(all.map((floats) => floats?.close()));
}
