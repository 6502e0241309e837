/**
 * What the compute thread can do: the border between the network-and-files side of a worker (main thread) and the
 * method (worker/segmentation). Everything here is plain data; images are decoded, resized and 8-bit already.
 *
 * Shapes: S = method.imageSize (working size in pixels, square), K = number of tags (classes without background).
 */
import type { MethodConfig } from "../../shared/config/method.js";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import type { OpenSum, TreeNode } from "../../shared/math/tree-sum.js";
import type { Wire } from "../../shared/math/wire.js";
import type { SumProgress } from "./sum-progress.js";

/** The classifier makes the seeds; the segmenter is trained afresh (or warm) in every round. */
export type ModelKind = "classifier" | "segmenter";

/** Names a stretch of training with its own weights, optimiser and data order: "classifier", "round-1", "round-2"... */
export interface TrainStage {
  readonly model: ModelKind;
  /** 0 for the classifier, 1.. for the rounds. */
  readonly round: number;
}

export interface BackboneFiles {
  /** model.json of a tfjs LayersModel. */
  readonly modelJson: Uint8Array;
  /** All weight files, concatenated in the order of the weights manifest. */
  readonly weights: Uint8Array;
  /** seedgrow.json beside it, if any: { scale, offset, taps }. */
  readonly sidecar: Uint8Array | null;
}

export interface ComputeSetup {
  readonly method: MethodConfig;
  readonly seed: number;
  /** Tags in the order of their class ids (id = index + 1). */
  readonly classes: readonly string[];
  /** Null: the built-in network, trained from scratch. */
  readonly backbone: BackboneFiles | null;
  /** Parameters are loaded once and stay: compiled programs hold them, which TensorFlow prepares once. Default: false. */
  readonly isTrained?: boolean;
}

/** One image as the method sees it. */
export interface Example {
  /** Index in its split: keys the augmentation RNG, nothing else. */
  readonly image: number;
  /** RGB, [S, S, 3]. */
  readonly pixels: Uint8Array;
  /** Class ids, ascending; empty for a negative. */
  readonly tags: readonly number[];
}

export interface LabelledExample extends Example {
  /** Pseudo-label [S, S]: class id, 0 background, 255 ignore. Null while the classifier is trained. */
  readonly labels: Uint8Array | null;
}

export interface ParamSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** Learning rate relative to the stage's (a fine-tuned backbone learns slower); the optimiser's only per-tensor knobs. */
  readonly learningRateScale: number;
  readonly weightDecay: boolean;
}

/** Parameters live in one flat buffer, in the order of `specs`. */
export interface InitialParams {
  readonly specs: readonly ParamSpec[];
  readonly values: Float32Array;
}

export interface MicroBatch {
  /** Index of the micro-batch in its step: a leaf of the sum tree. */
  readonly leaf: number;
  readonly examples: readonly LabelledExample[];
}

export interface GradientJob {
  readonly stage: TrainStage;
  readonly step: number;
  /** Micro-batches in the step. */
  readonly leafCount: number;
  readonly microBatches: readonly MicroBatch[];
  /** What every sum is rounded to before it is added to another; absent: they stay as they are. */
  readonly wire?: Wire;
  /**
   * Memory that threads share, for the sums: each as long as one, from a VectorMemory, and as many as are open at once (`openSumsMax`).
   * Absent, or of an engine that cannot write there: the sums come in memory of their own.
   */
  readonly rooms?: readonly Float32Array[];
  /** What of the last micro-batch's gradient is written in its room, for who gives it to others meanwhile; engines may leave it as it is. */
  readonly progress?: SumProgress;
}

/**
 * Partial sum at a node of the tree: [gradient of the SUM of per-image losses (flat, P), loss sum, weight sum]; the
 * last two ride along so that they are added in the same order. The coordinator divides by the weight.
 */
export interface PartialSum extends OpenSum {
  readonly node: TreeNode;
  /** In which of the job's rooms `values` lies; absent: in none. */
  readonly room?: number;
}

/** What the seeding stage makes of one image. */
export interface SeedResult {
  readonly image: number;
  /** Normalised CAMs of the image's own tags, 0..255, [camHeight, camWidth, tags]; the anchor of later rounds. */
  readonly cam: Uint8Array;
  readonly camHeight: number;
  readonly camWidth: number;
  /** The plain thresholded CAM as a label map [S, S]: what the seeds are measured against. */
  readonly camLabels: Uint8Array;
  /** Labels v0, [S, S]. */
  readonly labels: Uint8Array;
  /** Sigmoid score per class, length K: how sure the classifier is of the tags. */
  readonly scores: readonly number[];
}

export interface RefineExample extends Example {
  readonly cam: Uint8Array;
  readonly camHeight: number;
  readonly camWidth: number;
  /** Labels of the round that has just been trained, [S, S]. */
  readonly labels: Uint8Array;
  /** A person has said that these labels are wrong: nothing of them need be kept. */
  readonly isRejected?: boolean;
}

export interface RefineResult {
  readonly image: number;
  /** Labels of the next version, [S, S]. */
  readonly labels: Uint8Array;
  /** Share of pixels whose label changed, 0..1. */
  readonly changed: number;
  /** Why the old labels were kept ("shrank below half", ...), or null. */
  readonly kept: string | null;
}

export interface PredictExample {
  readonly image: number;
  readonly pixels: Uint8Array;
  /** Size of the label map wanted, pixels (the photo's own). */
  readonly width: number;
  readonly height: number;
  /** Class ids the answer may use; null: all (tag-free). */
  readonly allowed: readonly number[] | null;
  /** The network's answer as it is: no refinement of its borders. */
  readonly raw?: boolean;
}

export interface PredictResult {
  readonly image: number;
  /** [height, width], class ids. */
  readonly labels: Uint8Array;
}

export interface ComputeStats {
  /** Live tensors: constant from step to step, or something leaks. */
  readonly tensors: number;
  readonly bytes: number;
}

type Awaitable<T> = T | Promise<T>;

/**
 * Implemented by worker/segmentation/compute.ts; called through worker/compute/thread.ts, one call at a time. On a CPU
 * operations block; what a GPU computed is waited for.
 */
export interface Compute {
  /**
   * Initial parameters of a stage: a function of (setup, stage) and, for rounds without a backbone file, of the loaded
   * classifier, whose trained backbone they start from. Loads nothing.
   */
  init(stage: TrainStage): InitialParams;
  /**
   * Sets the parameters that the calls below use for this kind of model. `values` may be kept: whoever changes them, which is
   * possible where they lie in memory that threads share, loads them again before the next of those calls.
   */
  load(stage: TrainStage, values: Float32Array): void;
  /** Sums over the fewest tree nodes that cover the job's micro-batches. */
  gradients(job: GradientJob): Awaitable<PartialSum[]>;
  seeds(examples: readonly Example[]): Awaitable<SeedResult[]>;
  refine(stage: TrainStage, examples: readonly RefineExample[]): Awaitable<RefineResult[]>;
  predict(examples: readonly PredictExample[]): Awaitable<PredictResult[]>;
  /** Photos [1, S, S, 3] to class probabilities, with the loaded weights. @throws AppError EXPORT_UNSUPPORTED */
  graph(): PortableGraph;
  stats(): ComputeStats;
  dispose(): void;
}
