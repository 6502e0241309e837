/**
 * What a run has produced so far, in memory and on disk: accepts results, combines them when a phase's work is in, and
 * makes each phase durable before the next begins.
 */
import { assert } from "../shared/assert.js";
import type { Digest } from "../shared/codec/digest.js";
import { minedRounds } from "../shared/config/rounds.js";
import { stageOptions } from "../shared/config/stage-options.js";
import type { Manifest } from "../shared/data/manifest.js";
import { type ParamSpecs, paramCount, parseParamSpecs } from "../shared/data/param-specs.js";
import { runFiles, type StageRecord } from "../shared/data/run-record.js";
import type { RunStore } from "./adapters/run-store.js";
import type { Scratch } from "./adapters/scratch.js";
import type { WorkResult } from "./adapters/worker-links.js";
import type { RunConfig } from "./config.js";
import type { Purpose } from "./core/events.js";
import { isTraining, type Phase, phaseKey } from "./core/plan.js";
import type { StartOptions } from "./core/run.js";
import { initDefect, metricsDefect, outputsOf, packDefect } from "./inspect.js";
import { driftRule, meanChange, mergedScores, stopRule } from "./metrics.js";
import type { Progress } from "./progress.js";
import { type RunDigests, stageOf, type WorkOrder } from "./requests.js";
import { type CorrectionsDeps, RoundCorrections } from "./round-corrections.js";
import { packsOf, ShardLedger } from "./shard-ledger.js";
import { StageBook } from "./stage-book.js";
import { type Defect, StageTrainer, type StepOutcome } from "./training.js";

export interface ResultsDeps extends CorrectionsDeps {
  readonly config: RunConfig;
  readonly manifest: Manifest;
  readonly store: RunStore;
  /** Where gradients and moments lie that are too many for memory. */
  readonly scratch: Scratch;
  /** Broadcasts a label version's packs to the workers. */
  readonly broadcast: (
    version: number,
    catalogueDigest: Digest,
    packs: { digest: Digest; bytes: Uint8Array }[],
  ) => Promise<void>;
  readonly nowMs: () => number;
  readonly onStep: (phase: Phase, step: number, outcome: StepOutcome) => void;
  readonly onStage: (record: StageRecord) => void;
  /** A mining round's labels are not taken. */
  readonly onRefused: (record: { readonly round: number; readonly reason: string }) => void;
  /** A checkpoint is torn or altered: the one before it is taken. */
  readonly onDamaged: (name: string) => void;
}

export class RunResults {
  private trainer: StageTrainer | null = null;
  private initial: { specs: ParamSpecs; values: Uint8Array } | null = null;
  private readonly ledger: ShardLedger;
  private catalogueDigest = "";
  private readonly corrections: RoundCorrections;
  private readonly book: StageBook;
  private phaseStartedMs: number;
  /** Keys of the phases whose end is durable. */
  private donePhases: string[] = [];

  constructor(
    private readonly deps: ResultsDeps,
    public progress: Progress,
    stages: readonly StageRecord[],
  ) {
    this.ledger = new ShardLedger(deps.store);
    this.corrections = new RoundCorrections(deps, deps.config.method.imageSize);
    this.book = new StageBook(deps.store, stages, deps.onStage);
    this.phaseStartedMs = deps.nowMs();
  }

  /**
   * Puts what earlier sittings left on disk back into memory. `nextStep`: where training goes on, when the phase that
   * is not complete has a checkpoint. `doneUnits`: its shards that were accepted.
   */
  async restore(plan: readonly Phase[]): Promise<Pick<StartOptions, "nextStep" | "doneUnits">> {
    this.donePhases = plan.slice(0, this.progress.phasesDone).map(phaseKey);
    const phase = plan[this.progress.phasesDone];
    await this.restoreArtifacts(phase);
    if (!phase) return {};
    if (phase.kind === "train" || phase.kind === "refine") {
      await this.corrections.goOn(phase.round);
    }
    if (!isTraining(phase)) return { doneUnits: await this.ledger.open(phase) };
    const { store, scratch, onDamaged } = this.deps;
    const point = await store.readTrainingPoint(phaseKey(phase), scratch, onDamaged);
    if (!point || point.nextStep >= phase.steps) return {};
    const { specs, state, nextStep, losses } = point;
    this.trainer = new StageTrainer(
      specs,
      state,
      stageOptions(this.deps.config.method, stageOf(phase)),
      this.deps.blobs,
    );
    this.book.goOn(losses);
    return { nextStep };
  }

  private async restoreArtifacts(next: Phase | undefined): Promise<void> {
    const { store, blobs } = this.deps;
    const { classifier, segmenter, labels, cams } = this.progress;
    for (const model of [classifier, next?.kind === "train" ? null : segmenter]) {
      if (model) blobs.put((await store.readCheckpoint(model.digest)).values, model.digest);
    }
    for (const [shard, digest] of (cams ?? []).entries()) {
      blobs.put(await store.readBlob(runFiles.camPack(shard), digest), digest);
    }
    if (!labels) return;
    const packs = await Promise.all(
      labels.packs.map((digest, shard) => store.readBlob(runFiles.labelPack(labels.version, shard), digest)),
    );
    await this.publish(
      labels.version,
      packs.map((bytes, shard) => ({ bytes, digest: labels.packs[shard]! })),
    );
  }

  digests(phase: Phase): RunDigests {
    const model = phase.kind === "seed" ? this.progress.classifier : this.progress.segmenter;
    return {
      weights: this.trainer?.weightsDigest ?? model?.digest ?? "",
      classifier: this.progress.classifier?.digest ?? "",
      labels: this.catalogueDigest,
      corrections: this.corrections.digest,
      cams: this.progress.cams ?? [],
    };
  }

  /** What is wrong with a result, before it may count; null: nothing. */
  async inspect({ assignment, phase, purpose }: WorkOrder, result: WorkResult): Promise<Defect | null> {
    const { outputs, sums, metrics } = result;
    if (purpose.kind === "step") return this.trainer!.inspect(sums, assignment);
    if (purpose.kind === "init") return initDefect(outputs);
    const { manifest, config } = this.deps;
    const classCount = manifest.classes.length;
    const images = phase.kind === "evaluate" ? [] : manifest.train.shards[assignment.first]!;
    const tagCounts = images.map((image) => manifest.train.images[image]!.tags.length);
    const shard = { images, tagCounts, side: config.method.imageSize, classCount };
    return metricsDefect(metrics, classCount) ?? packDefect(outputs, outputsOf(phase), shard);
  }

  /** Takes a result that counts. `fingerprint`: the engine whose bits it has, which a resumed run must go on with. */
  accept({ assignment, phase, purpose }: WorkOrder, result: WorkResult, fingerprint: string | null): void {
    this.progress = { ...this.progress, fingerprint };
    switch (purpose.kind) {
      case "init": {
        const [specs, params] = ["specs", "params"].map((name) =>
          result.outputs.find((output) => output.name === name),
        );
        assert(specs && params, "an init job has two outputs");
        this.initial = { specs: parseParamSpecs(specs.bytes), values: params.bytes };
        break;
      }
      case "step":
        this.trainer!.accept(result.sums);
        break;
      case "map":
        this.ledger.accept(phase, assignment.first, result);
        break;
    }
  }

  /** Combines what the pool has gathered. Resolves when it is durable; the answer may end the rounds. */
  async settle(phase: Phase, purpose: Purpose, lastStep: boolean): Promise<{ endRounds?: string }> {
    switch (purpose.kind) {
      case "init":
        if (phase.kind === "train") await this.corrections.begin(phase.round);
        await this.beginTraining(phase);
        return {};
      case "step": {
        const outcome = await this.trainer!.apply(purpose.step);
        this.book.addLoss(phase, purpose.step, outcome.loss);
        this.deps.onStep(phase, purpose.step, outcome);
        if (lastStep) await this.endTraining(phase);
        else await this.checkpoint(phase, purpose.step + 1);
        return {};
      }
      case "map":
        return this.endMap(phase);
    }
  }

  private async beginTraining(phase: Phase): Promise<void> {
    assert(this.initial, "parameters come before steps");
    const { specs, values } = this.initial;
    const { blobs, scratch } = this.deps;
    const before = this.progress.segmenter;
    if (phase.kind === "train" && before) blobs.delete(before.digest);
    const options = stageOptions(this.deps.config.method, stageOf(phase));
    const count = paramCount(specs);
    const average = options.emaDecay > 0 ? await scratch.floats(count) : null;
    this.trainer = new StageTrainer(
      specs,
      { values, optimizer: await scratch.moments(count), average },
      options,
      blobs,
    );
    this.initial = null;
  }

  /** Every so many steps: a killed coordinator loses those since the last one. */
  private async checkpoint(phase: Phase, nextStep: number): Promise<void> {
    const every = this.deps.config.cluster.checkpointSteps;
    if (every === 0 || nextStep % every !== 0) return;
    const { specs, state } = this.trainer!;
    const point = { phase: phaseKey(phase), nextStep, specs, state, losses: this.book.losses };
    await this.deps.store.writeTrainingPoint(point, this.donePhases);
  }

  private async endTraining(phase: Phase): Promise<void> {
    const trainer = this.trainer!;
    await trainer.finish();
    const digest = trainer.weightsDigest;
    await this.deps.store.writeCheckpoint(digest, trainer.bytes, trainer.specs);
    this.book.trained((this.deps.nowMs() - this.phaseStartedMs) / 1000);
    const model = { round: phase.round, digest };
    this.trainer = null;
    await this.commit(phase, phase.kind === "classify" ? { classifier: model } : { segmenter: model });
  }

  private async endMap(phase: Phase): Promise<{ endRounds?: string }> {
    const results = await this.ledger.close();
    const seconds = (this.deps.nowMs() - this.phaseStartedMs) / 1000;
    if (phase.kind === "evaluate") return this.endEvaluating(phase, results, seconds);
    if (phase.kind === "refine") return this.endRefining(phase, results, seconds);
    const packs = await this.takeLabels(phase, results);
    const cams = packsOf(results, "cam");
    for (const { digest, bytes } of cams) this.deps.blobs.put(bytes, digest);
    await this.book.seeded(this.scores(results), seconds);
    await this.commit(phase, { ...packs, cams: cams.map(({ digest }) => digest) });
    return {};
  }

  private async endRefining(
    phase: Phase,
    results: readonly WorkResult[],
    seconds: number,
  ): Promise<{ endRounds?: string }> {
    const { round } = phase;
    const { method, rounds } = this.deps.config;
    const images = results.reduce((sum, result) => sum + result.images, 0);
    const metrics = results.map((result) => result.metrics);
    const changed = meanChange(metrics, images);
    const isMined = round <= minedRounds(method);
    const drift =
      isMined && round > 1 ? driftRule(changed, this.book.changedShare(round - 1), rounds.driftShareMax) : null;
    if (drift !== null) {
      this.deps.onRefused({ round, reason: drift });
      await this.book.refused(round, seconds);
      await this.commit(phase, {});
      return {};
    }
    const packs = await this.takeLabels(phase, results);
    await this.book.refined(round, this.scores(results).labels, changed, seconds);
    const reason = isMined ? null : stopRule(changed, rounds.changedShareMin);
    await this.commit(phase, reason === null ? packs : { ...packs, lastRound: round });
    return reason === null ? {} : { endRounds: reason };
  }

  private async takeLabels(
    { round: version }: Phase,
    results: readonly WorkResult[],
  ): Promise<Pick<Progress, "labels">> {
    const labels = packsOf(results, "labels");
    await this.publish(version, labels);
    return { labels: { version, packs: labels.map(({ digest }) => digest) } };
  }

  private async endEvaluating(
    phase: Phase,
    results: readonly WorkResult[],
    seconds: number,
  ): Promise<Record<string, never>> {
    const { free, gated, ellipse } = this.scores(results);
    await this.book.evaluated(phase.round, { free, gated, ellipse }, seconds);
    await this.commit(phase, {});
    return {};
  }

  private scores(results: readonly WorkResult[]) {
    const metrics = results.map((result) => result.metrics);
    const of = (key: Parameters<typeof mergedScores>[1]) => mergedScores(metrics, key, this.deps.manifest.classes);
    return { cam: of("cam"), labels: of("labels"), ellipse: of("ellipse"), free: of("free"), gated: of("gated") };
  }

  /** Makes a label version the current one: on the bus for everybody, and here for whoever misses it there. */
  private async publish(version: number, packs: { digest: Digest; bytes: Uint8Array }[]): Promise<void> {
    const { blobs } = this.deps;
    for (const digest of this.progress.labels?.packs ?? []) blobs.delete(digest);
    for (const { digest, bytes } of packs) blobs.put(bytes, digest);
    const catalogue = { version, packs: packs.map(({ digest }) => digest) };
    if (this.catalogueDigest) blobs.delete(this.catalogueDigest);
    this.catalogueDigest = blobs.put(Buffer.from(JSON.stringify(catalogue)));
    await this.deps.broadcast(version, this.catalogueDigest, packs);
  }

  private async commit(phase: Phase, change: Partial<Progress>): Promise<void> {
    const nowMs = this.deps.nowMs();
    const seconds = this.progress.seconds + (nowMs - this.phaseStartedMs) / 1000;
    this.phaseStartedMs = nowMs;
    this.progress = { ...this.progress, ...change, phasesDone: this.progress.phasesDone + 1, seconds };
    await this.deps.store.writeProgress(this.progress);
    await this.deps.store.deleteLedger(phaseKey(phase));
    this.donePhases.push(phaseKey(phase));
  }
}
