/**
 * Stands in for the method: takes as long as told, and answers with results of the right sizes whose every bit is a hash
 * of everything the real ones are a function of (seed, stage, step, leaf, weights, pixels, labels). So a run's final
 * weights tell whether any of it was lost, counted twice, swapped or stale, on any number of workers.
 */
import { sha256 } from "../../shared/codec/digest.js";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import { AppError } from "../../shared/errors.js";
import { roundingOf } from "../../shared/math/rounding.js";
import { TreeAccumulator } from "../../shared/math/tree-sum.js";
import { checksumOf } from "../../shared/math/vectors.js";
import { sumTailFloats } from "../../shared/math/wire.js";
import { Rng } from "../../shared/rng.js";
import type {
  Compute,
  ComputeSetup,
  ComputeStats,
  Example,
  GradientJob,
  InitialParams,
  MicroBatch,
  ModelKind,
  ParamSpec,
  PartialSum,
  PredictExample,
  PredictResult,
  RefineExample,
  RefineResult,
  SeedResult,
  TrainStage,
} from "../compute/contract.js";
import { layOut, markPart, type SumProgress } from "../compute/sum-progress.js";
import { SumRooms } from "../compute/sum-rooms.js";
import { specsOf } from "./engine.js";
import { type Fault, faultOf, type SimulatedOptions } from "./options.js";

/** A hang is longer than anybody waits. */
const hangMs = 60 * 60_000;
/** Slow enough to be doubled by an idle worker, not so slow as to count as hung. */
const slowness = 8;
/** So many numbers are drawn, then repeated: a prime, so that whatever is cut, shifted or swapped shows. */
const noisePeriod = 8_191;
/** Of the pretended time, before it makes its answer: on a machine of many workers that is in nobody's way who is still to begin. */
const restShare = 1 / 8;
/** A network's layers, as far as their gradients come one after the other. */
const markedParts = 15;
/** Cells of a CAM: those of stride 32. */
const camStride = 32;

interface Loaded {
  readonly values: Float32Array;
  /** Null until somebody asks. */
  digest: string | null;
}

export class SimulatedCompute implements Compute {
  private readonly loaded = new Map<ModelKind, Loaded>();
  private readonly fault: Fault | null;
  private readonly pace: Rng;

  constructor(
    private readonly options: SimulatedOptions,
    private readonly setup: ComputeSetup,
    /** Varies the pace from one worker to the next; never the results. */
    paceKey: string | number,
  ) {
    this.fault = faultOf(options.fault);
    this.pace = new Rng("pace", paceKey);
  }

  init(stage: TrainStage): InitialParams {
    this.work(1);
    const specs = specsOf(this.setup, stage, this.options.parameters);
    const inherited = stage.model === "classifier" || !this.loaded.has("classifier") ? "" : this.weights("classifier");
    const values = filled(
      new Float32Array(sizeOf(specs)),
      this.setup.seed,
      "init",
      stage.model,
      stage.round,
      inherited,
    );
    return { specs, values };
  }

  load(stage: TrainStage, values: Float32Array): void {
    this.loaded.set(stage.model, { values, digest: null });
  }

  gradients(job: GradientJob): PartialSum[] {
    const fault = this.faultIn(job.stage);
    if (fault === "hang") sleep(hangMs);
    const images = job.microBatches.reduce((sum, { examples }) => sum + examples.length, 0);
    return this.working(
      images,
      fault === "slow" ? slowness : 1,
      () => {
        const rooms = new SumRooms(job.rooms);
        const sums = new TreeAccumulator(job.leafCount, roundingOf({ ...job, seed: this.setup.seed }), rooms.give);
        for (const microBatch of job.microBatches) {
          const gradient = this.gradient(job, microBatch, rooms);
          if (fault === "nan") gradient[0] = Number.NaN;
          if (fault === "lie") gradient[0]! += 1;
          sums.addLeaf(microBatch.leaf, gradient);
        }
        return rooms.located(sums.open());
      },
      job.progress,
    );
  }

  seeds(examples: readonly Example[]): SeedResult[] {
    this.work(examples.length);
    const side = Math.max(1, this.setup.method.imageSize / camStride);
    return examples.map((example) => {
      const { image, pixels, tags } = example;
      const key = [this.setup.seed, "seed", image, this.weights("classifier"), sha256(pixels)];
      const rng = new Rng(...key);
      const cam = Uint8Array.from({ length: side * side * tags.length }, () => rng.integer(256));
      const labels = this.blob(tags, rng);
      const scores = this.setup.classes.map((_, i) => (tags.includes(i + 1) ? 1 : 0));
      return { image, cam, camHeight: side, camWidth: side, camLabels: this.blob(tags, rng), labels, scores };
    });
  }

  refine(stage: TrainStage, examples: readonly RefineExample[]): RefineResult[] {
    this.work(examples.length);
    return examples.map(({ image, pixels, tags, cam, labels: old }) => {
      const seen = [sha256(pixels), sha256(cam), sha256(old)];
      const labels = this.blob(
        tags,
        new Rng(this.setup.seed, "refine", stage.round, image, this.weights("segmenter"), ...seen),
      );
      const changed = labels.reduce((count, label, i) => count + Number(label !== old[i]), 0) / labels.length;
      return { image, labels, changed, kept: null };
    });
  }

  predict(examples: readonly PredictExample[]): PredictResult[] {
    this.work(examples.length);
    return examples.map(({ image, pixels, width, height, allowed }) => {
      const tags = allowed ?? [1];
      const rng = new Rng(this.setup.seed, "predict", image, this.weights("segmenter"), sha256(pixels));
      return { image, labels: ellipse(width, height, tags, rng) };
    });
  }

  graph(): PortableGraph {
    throw new AppError("EXPORT_UNSUPPORTED", "a simulated engine has no network");
  }

  stats(): ComputeStats {
    const held = [...this.loaded.values()];
    return { tensors: held.length, bytes: held.reduce((sum, { values }) => sum + values.byteLength, 0) };
  }

  dispose(): void {
    this.loaded.clear();
  }

  private gradient({ stage, step }: GradientJob, { leaf, examples }: MicroBatch, rooms: SumRooms): Float32Array {
    const seen = examples.flatMap(({ image, pixels, labels }) => [image, sha256(pixels), labels ? sha256(labels) : ""]);
    const count = sizeOf(specsOf(this.setup, stage, this.options.parameters));
    const key = [this.setup.seed, "gradient", stage.model, stage.round, step, leaf, this.weights(stage.model), ...seen];
    const length = count + sumTailFloats;
    const sum = filled(rooms.take(length) ?? new Float32Array(length), ...key);
    // Mean loss: falls with the steps, so that curves look like curves.
    sum[count] = (examples.length * (1 + 0.1 * sum[count]!)) / (1 + step / 50);
    sum[count + 1] = examples.length;
    return sum;
  }

  private weights(model: ModelKind): string {
    const loaded = this.loaded.get(model);
    if (!loaded) throw new Error(`the ${model} is not loaded`);
    loaded.digest ??= Buffer.from(checksumOf(loaded.values)).toString("hex");
    return loaded.digest;
  }

  private blob(tags: readonly number[], rng: Rng): Uint8Array {
    const { imageSize } = this.setup.method;
    return ellipse(imageSize, imageSize, tags, rng);
  }

  private faultIn({ model, round }: TrainStage): Fault["kind"] | null {
    if (!this.fault) return null;
    const stage = model === "classifier" ? "classifier" : `round-${round}`;
    return this.fault.stage === null || this.fault.stage === stage ? this.fault.kind : null;
  }

  private work(images: number): void {
    this.working(images, 1, () => undefined);
  }

  /** What it really takes to make an answer is part of the pretended time. */
  private working<T>(images: number, times: number, answer: () => T, progress?: SumProgress): T {
    const { imageMs, jitter } = this.options;
    const fromMs = performance.now();
    const pretendedMs = images * imageMs * times * (1 + this.pace.uniform(-jitter, jitter));
    sleep(pretendedMs * restShare);
    const made = answer();
    if (progress) mark(progress, sumIn(made), { fromMs, pretendedMs });
    sleep(fromMs + pretendedMs - performance.now());
    return made;
  }
}

function sizeOf(specs: readonly ParamSpec[]): number {
  return specs.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
}

/** The one sum that lies in memory it was given. */
function sumIn(made: unknown): Float32Array | null {
  const [sum, ...others] = made as readonly PartialSum[];
  return sum?.room !== undefined && others.length === 0 ? sum.values : null;
}

/** Says that it is written as a backward pass writes it: the last layer's gradient first, in the last two thirds of the time. */
function mark(progress: SumProgress, sum: Float32Array | null, time: { fromMs: number; pretendedMs: number }): void {
  if (!sum) return;
  const ends = Array.from({ length: markedParts }, (_, i) => Math.floor((sum.length * (i + 1)) / (markedParts + 1)));
  if (!layOut(progress, [...ends, sum.length])) return;
  for (let part = markedParts - 1; part >= 0; part--) {
    const share = 1 / 3 + ((2 / 3) * (markedParts - part)) / (markedParts + 1);
    sleep(time.fromMs + time.pretendedMs * share - performance.now());
    markPart(progress, part);
  }
}

/** Blocks the thread, as an operation of a real engine does. */
function sleep(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Uniform in [-0.1, 0.1): the size of real gradients. */
function filled(values: Float32Array, ...key: readonly (string | number)[]): Float32Array {
  const rng = new Rng(...key);
  const count = values.length;
  for (let i = 0; i < Math.min(count, noisePeriod); i++) values[i] = rng.uniform(-0.1, 0.1);
  for (let i = noisePeriod; i < count; i += noisePeriod) values.copyWithin(i, 0, Math.min(noisePeriod, count - i));
  return values;
}

/** One object per tag: compresses as real label maps do. [height, width] */
function ellipse(width: number, height: number, tags: readonly number[], rng: Rng): Uint8Array {
  const labels = new Uint8Array(width * height);
  for (const tag of tags) {
    const [x0, y0] = [rng.uniform(0.3, 0.7) * width, rng.uniform(0.3, 0.7) * height];
    const [a, b] = [rng.uniform(0.1, 0.3) * width, rng.uniform(0.1, 0.3) * height];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (((x - x0) / a) ** 2 + ((y - y0) / b) ** 2 <= 1) labels[y * width + x] = tag;
      }
    }
  }
  return labels;
}
