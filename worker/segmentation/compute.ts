/** The method behind the compute contract: models, their live parameters, and what is done with them. */
import { assert } from "../../shared/assert.js";
import type { MethodConfig } from "../../shared/config/method.js";
import { methodOfRound, minedRounds } from "../../shared/config/rounds.js";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import { roundingOf } from "../../shared/math/rounding.js";
import { TreeAccumulator } from "../../shared/math/tree-sum.js";
import type {
  Compute,
  ComputeSetup,
  ComputeStats,
  Example,
  GradientJob,
  InitialParams,
  MicroBatch,
  PartialSum,
  PredictExample,
  PredictResult,
  RefineExample,
  RefineResult,
  SeedResult,
  TrainStage,
} from "../compute/contract.js";
import { SumRooms } from "../compute/sum-rooms.js";
import { type DrawPixels, drawPixels } from "./augment.js";
import { type Backbone, tapStrides } from "./backbone/backbone.js";
import { pretrainedBackbone } from "./backbone/pretrained.js";
import { scratchBackbone } from "./backbone/scratch.js";
import { BatchRoom } from "./batch-room.js";
import { type TagClassifier, tagClassifier } from "./classifier.js";
import { type Compile, Programs } from "./compiled.js";
import { classifierGradient, type FeatureCache, segmenterGradient } from "./gradients.js";
import { type Segmenter, segmenterOf } from "./networks/segmenter.js";
import { PamrPrograms } from "./pamr-program.js";
import { initialValues, ParamStore, splitFlat } from "./params.js";
import { predictionSide } from "./prediction.js";
import { predictImage, probabilityMap, refineImage, seedImage } from "./stages.js";
import { SuperpixelCache } from "./superpixels/cut.js";
import type { Tensor4D, Tf } from "./tf.js";
import { traceGraph } from "./trace.js";

/** Of parameters. As constants of a graph they are kept several times, and save a tenth of the time. */
const constantBytesMax = 32 * 2 ** 20;

interface ClassifierModel {
  readonly backbone: Backbone;
  readonly classifier: TagClassifier;
  readonly store: ParamStore;
  readonly programs: Programs;
}

interface SegmenterModel {
  /** As the rounds that train this network apply it. */
  readonly method: MethodConfig;
  readonly backbone: Backbone;
  readonly network: Segmenter;
  readonly store: ParamStore;
  readonly programs: Programs;
}

/**
 * `compile`: of an engine that has it. `draw`: a quicker one, of the same bits. `isSeenInOrder`: what a thread writes, others see in
 * the order in which it was written. @throws AppError BACKBONE_INVALID.
 */
export async function createCompute(
  tf: Tf,
  setup: ComputeSetup,
  compile: Compile | null,
  draw: DrawPixels = drawPixels,
  isSeenInOrder = false,
): Promise<Compute> {
  const { method, classes } = setup;
  /** Each model has a backbone of its own: fine-tuning the segmenter's must not move the classifier's features. */
  const makeBackbone = async (rate: number, fromStride: number) => {
    const training = { rate, fromStride };
    return setup.backbone
      ? pretrainedBackbone(tf, setup.backbone, training)
      : scratchBackbone(tf, method.scratch, training);
  };
  const seeing = await makeBackbone(setup.backbone ? 0 : 1, tapStrides[0]);
  const classifier = tagClassifier(tf, seeing, method.classifier.stride, classes.length);
  const classifying = {
    backbone: seeing,
    classifier,
    store: new ParamStore(tf, classifier.defs, seeing.variables),
    programs: new Programs(tf, compile),
  };
  const makeSegmenter = async (round: number): Promise<SegmenterModel> => {
    const own = methodOfRound(method, round);
    const backbone = await makeBackbone(own.segmenter.backboneRate, own.segmenter.backboneTrainFrom);
    const network = segmenterOf(tf, backbone, own, classes.length + 1);
    const store = new ParamStore(tf, network.defs, backbone.variables);
    return { method: own, backbone, network, store, programs: new Programs(tf, compile) };
  };
  const mined = minedRounds(method);
  const growing = await makeSegmenter(mined + 1);
  const segmenting = { growing, mining: mined > 0 ? await makeSegmenter(1) : growing };
  return new MethodCompute(tf, setup, draw, new PamrPrograms(tf, compile), classifying, segmenting, isSeenInOrder);
}

class MethodCompute implements Compute {
  private readonly features: FeatureCache = new Map();
  private readonly superpixels: SuperpixelCache;
  private readonly room = new BatchRoom();
  private readonly photoRoom = new BatchRoom();
  /** The one whose parameters were loaded last: what `predict` answers with. */
  private loaded: SegmenterModel;

  constructor(
    private readonly tf: Tf,
    private readonly setup: ComputeSetup,
    private readonly draw: DrawPixels,
    private readonly refining: PamrPrograms,
    private readonly classifying: ClassifierModel,
    private readonly segmenting: { readonly mining: SegmenterModel; readonly growing: SegmenterModel },
    private readonly isSeenInOrder: boolean,
  ) {
    this.loaded = segmenting.growing;
    this.superpixels = new SuperpixelCache(setup.method.superpixels);
  }

  init(stage: TrainStage): InitialParams {
    const { defs } = this.storeOf(stage);
    const inherited = this.inheritedBackbone(stage);
    const values = initialValues(defs, [this.setup.seed, "init", stage.model, stage.round], inherited);
    const specs = defs.map(({ name, shape, learningRateScale, weightDecay }) => {
      return { name, shape, learningRateScale, weightDecay };
    });
    return { specs, values };
  }

  load(stage: TrainStage, values: Float32Array): void {
    if (stage.model === "segmenter") this.loaded = this.segmenterOf(stage);
    if (this.setup.isTrained) this.loaded.programs.dispose();
    this.storeOf(stage).load(values);
  }

  async gradients(job: GradientJob): Promise<PartialSum[]> {
    const rooms = new SumRooms(job.rooms);
    const sums = new TreeAccumulator(job.leafCount, roundingOf({ ...job, seed: this.setup.seed }), rooms.give);
    for (const microBatch of job.microBatches) {
      sums.addLeaf(microBatch.leaf, await this.gradient(job, microBatch, rooms));
    }
    return rooms.located(sums.open());
  }

  async seeds(examples: readonly Example[]): Promise<SeedResult[]> {
    const { backbone, classifier, store } = this.classifying;
    assert(store.values, "the classifier is loaded");
    const { tf, setup, refining } = this;
    const { pamrBy } = refining;
    const parts = { tf, method: setup.method, backbone, classifier, params: store.get, pamrBy };
    return inOrder(examples, (example) => seedImage(parts, example));
  }

  async refine(stage: TrainStage, examples: readonly RefineExample[]): Promise<RefineResult[]> {
    const parts = this.partsOf(this.segmenterOf(stage));
    return inOrder(examples, (example) => refineImage(parts, stage, example));
  }

  async predict(examples: readonly PredictExample[]): Promise<PredictResult[]> {
    const parts = this.partsOf(this.loaded);
    return inOrder(examples, (example) => predictImage(parts, example));
  }

  graph(): PortableGraph {
    const parts = this.partsOf(this.loaded);
    const { imageSize, predict } = parts.method;
    return traceGraph(this.tf, [1, imageSize, imageSize, 3], (photo) => {
      const image = photo.div(127.5).sub(1) as Tensor4D;
      return probabilityMap(parts, image, predict, predictionSide(parts.method));
    });
  }

  stats(): ComputeStats {
    const { numTensors, numBytes } = this.tf.memory();
    return { tensors: numTensors, bytes: numBytes };
  }

  dispose(): void {
    const { mining, growing } = this.segmenting;
    this.refining.dispose();
    for (const { store, backbone, programs } of new Set([this.classifying, mining, growing])) {
      programs.dispose();
      store.dispose();
      backbone.dispose();
    }
  }

  /** A network trained from scratch: the rounds take the backbone that the classifier has learnt. */
  private inheritedBackbone(stage: TrainStage): ReadonlyMap<string, Float32Array> {
    if (this.setup.backbone !== null || stage.model === "classifier") return new Map();
    const { store } = this.classifying;
    assert(store.values, "without a backbone file, rounds start from a loaded classifier");
    return splitFlat(store.defs, store.values);
  }

  private storeOf(stage: TrainStage): ParamStore {
    return stage.model === "classifier" ? this.classifying.store : this.segmenterOf(stage).store;
  }

  private segmenterOf({ round }: TrainStage): SegmenterModel {
    return round <= minedRounds(this.setup.method) ? this.segmenting.mining : this.segmenting.growing;
  }

  private partsOf({ method, backbone, network, store, programs }: SegmenterModel) {
    assert(store.values, "the segmenter is loaded");
    const { tf, setup, superpixels, refining, photoRoom } = this;
    const areConstant = setup.isTrained && store.values.byteLength <= constantBytesMax;
    return {
      tf,
      method,
      seed: setup.seed,
      backbone,
      network,
      params: store.get,
      tensors: areConstant ? [] : store.tensors,
      programs,
      room: photoRoom,
      pamrBy: refining.pamrBy,
      classCount: setup.classes.length,
      superpixels,
    };
  }

  private async gradient(
    { stage, step, progress }: GradientJob,
    microBatch: MicroBatch,
    rooms: SumRooms,
  ): Promise<Float32Array> {
    const { draw, room } = this;
    const { method, seed, classes } = this.setup;
    assert(this.storeOf(stage).values, `the ${stage.model} is loaded`);
    const marked = { progress: this.isSeenInOrder ? progress : undefined };
    const common = {
      tf: this.tf,
      draw,
      room,
      method: methodOfRound(method, stage.round),
      seed,
      stage,
      step,
      rooms,
      ...marked,
    };
    if (stage.model === "segmenter") {
      const { backbone, network, store, programs } = this.segmenterOf(stage);
      const context = { ...common, programs };
      return segmenterGradient(context, microBatch, backbone, network, store, this.superpixels, classes.length + 1);
    }
    const { backbone, classifier, store, programs } = this.classifying;
    const context = { ...common, programs };
    return classifierGradient(context, microBatch, backbone, classifier, store, this.features, classes.length);
  }
}

/** One after the other: side by side, their tensors would fill the memory. */
async function inOrder<A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<B[]> {
  const results: B[] = [];
  for (const item of items) results.push(await work(item));
  return results;
}
