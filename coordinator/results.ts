/**
 * What a run has produced so far, in memory and on disk: accepts results, combines them when a phase's work is in, and
 * makes each phase durable before the next begins.
 */
import { assert } from "../shared/assert.js";
import type { Digest } from "../shared/codec/digest.js";
import { minedRounds } from "../shared/config/rounds.js";
import { parseParamSpecs } from "../shared/data/param-specs.js";
import { runFiles, type StageRecord } from "../shared/data/run-record.js";
import { AppError } from "../shared/errors.js";
import type { WorkResult } from "./adapters/worker-links.js";
import type { Purpose } from "./core/events.js";
import { isTraining, type Phase, phaseKey } from "./core/plan.js";
import type { StartOptions } from "./core/run.js";
import { initDefect, metricsDefect, outputsOf, packDefect } from "./inspect.js";
import { LocalTraining } from "./local-training.js";
import { driftRule, meanChange, mergedScores, stopRule } from "./metrics.js";
import type { Progress } from "./progress.js";
import type { RunDigests, WorkOrder } from "./requests.js";
import type { ResultsDeps } from "./results-deps.js";
import { RoundCorrections } from "./round-corrections.js";
import { packsOf, ShardLedger } from "./shard-ledger.js";
import { ShardedTraining, type StageFacts } from "./sharded-training.js";
import { StageBook } from "./stage-book.js";
import { type InitialModel, type StageTraining, type Standing, StarTraining } from "./stage-training.js";
import type { Defect } from "./training.js";

export class RunResults {
  private readonly training: StageTraining;
  /** Of sharded training. */
  private readonly sharded: ShardedTraining | null;
  private readonly local: LocalTraining | null;
  private initial: InitialModel | null = null;
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
    const { topology, sync } = deps.config.cluster;
    this.sharded = topology === "sharded" ? new ShardedTraining(deps) : null;
    this.local = sync === "local" ? new LocalTraining(deps) : null;
    this.training = this.sharded ?? this.local ?? new StarTraining(deps);
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
    await this.training.goOn(phase, point);
    this.book.goOn(point.losses);
    return { nextStep: point.nextStep };
  }

  /** Sharded training goes back to the newest checkpoint that is whole. Resolves with the step that follows it. */
  async rewind(phase: Phase): Promise<number> {
    const { store, scratch, onDamaged } = this.deps;
    const key = phaseKey(phase);
    const point = await store.readTrainingPoint(key, scratch, onDamaged);
    if (!point)
      throw new AppError("CHECKPOINT_INVALID", `no worker has the model of ${key}, and no checkpoint is whole`);
    await this.training.goOn(phase, point);
    this.book.goOn(point.losses);
    return point.nextStep;
  }

  /** What requests of sharded training's steps say; null: the coordinator has the model. */
  get stageFacts(): StageFacts | null {
    return this.sharded?.facts ?? null;
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
      weights: this.training.weightsDigest ?? model?.digest ?? "",
      change: this.training.weightsChange,
      classifier: this.progress.classifier?.digest ?? "",
      labels: this.catalogueDigest,
      corrections: this.corrections.digest,
      cams: this.progress.cams ?? [],
      specs: this.local?.specsDigest ?? "",
      checksums: this.training.hasChecksums,
    };
  }

  /** What is wrong with a result, before it may count; null: nothing. */
  async inspect(order: WorkOrder, result: WorkResult): Promise<Defect | null> {
    const { assignment, phase, purpose } = order;
    const { outputs, metrics } = result;
    if ("step" in purpose) return this.training.inspect(order, result);
    if (purpose.kind === "init") return initDefect(outputs);
    const { manifest, config } = this.deps;
    const classCount = manifest.classes.length;
    const images = phase.kind === "evaluate" ? [] : manifest.train.shards[assignment.first]!;
    const tagCounts = images.map((image) => manifest.train.images[image]!.tags.length);
    const shard = { images, tagCounts, side: config.method.imageSize, classCount };
    return metricsDefect(metrics, classCount) ?? packDefect(outputs, outputsOf(phase), shard);
  }

  /** Takes a result that counts. `fingerprint`: the engine whose bits it has, which a resumed run must go on with. */
  accept(order: WorkOrder, result: WorkResult, fingerprint: string | null): void {
    const { assignment, phase, purpose } = order;
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
      case "reduce":
      case "apply":
        this.training.accept(order, result);
        break;
      case "map":
        this.ledger.accept(phase, assignment.first, result);
        break;
    }
  }

  /** Combines what the pool has gathered. Resolves when it is durable; the answer may end the rounds. @throws StateLost */
  async settle(phase: Phase, purpose: Purpose, lastStep: boolean): Promise<{ endRounds?: string }> {
    switch (purpose.kind) {
      case "init":
        if (phase.kind === "train") await this.corrections.begin(phase.round);
        await this.beginTraining(phase);
        return {};
      case "step":
      case "reduce":
      case "apply": {
        const outcome = await this.training.update(phase, purpose.step);
        const losses = outcome.losses ?? [outcome.loss];
        for (const [i, loss] of losses.entries()) this.noteStep(phase, purpose.step + i, loss);
        if (lastStep) await this.endTraining(phase);
        else await this.training.checkpoint(phase, purpose.step + losses.length, this.standing);
        return {};
      }
      case "map":
        return this.endMap(phase);
    }
  }

  private noteStep(phase: Phase, step: number, loss: number): void {
    this.book.addLoss(phase, step, loss);
    this.deps.onStep(phase, step, loss);
  }

  private get standing(): Standing {
    return { losses: this.book.losses, done: this.donePhases };
  }

  private async beginTraining(phase: Phase): Promise<void> {
    assert(this.initial, "parameters come before steps");
    const before = this.progress.segmenter;
    if (phase.kind === "train" && before) this.deps.blobs.delete(before.digest);
    await this.training.begin(phase, this.initial, this.standing);
    this.initial = null;
  }

  private async endTraining(phase: Phase): Promise<void> {
    const digest = await this.training.finish(phase);
    this.book.trained((this.deps.nowMs() - this.phaseStartedMs) / 1000);
    const model = { round: phase.round, digest };
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
