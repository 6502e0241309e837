/**
 * The gradient of one micro-batch: [gradient of the sum of per-image losses, loss sum, weight sum]. A function of
 * (setup, stage, step, images, parameters) alone; which worker, and what else it computes, has no part in it.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { IGNORE } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import type { LabelledExample, MicroBatch, TrainStage } from "../compute/contract.js";
import type { SumRooms } from "../compute/sum-rooms.js";
import { augment, type Crop, cropMap, type DrawPixels, drawCrop, drawLight } from "./augment.js";
import type { Backbone } from "./backbone/backbone.js";
import type { BatchRoom } from "./batch-room.js";
import type { TagClassifier } from "./classifier.js";
import type { Formula, Programs } from "./compiled.js";
import { FlatTarget, joined } from "./flat-sum.js";
import { toUnit } from "./images.js";
import { tagLoss } from "./loss.js";
import { needsSuperpixels, segmenterLoss } from "./losses/segmenter-loss.js";
import type { Segmenter } from "./networks/segmenter.js";
import { worksInGivenMemory } from "./nn/native.js";
import type { ParamStore } from "./params.js";
import { take } from "./read.js";
import type { SuperpixelCache } from "./superpixels/cut.js";
import { renumber, type Superpixels } from "./superpixels/superpixels.js";
import type { Tensor, Tensor2D, Tensor4D, Tf } from "./tf.js";

export interface StepContext {
  readonly tf: Tf;
  /** Of the model that is trained. */
  readonly programs: Programs;
  readonly draw: DrawPixels;
  readonly method: MethodConfig;
  readonly seed: number;
  readonly stage: TrainStage;
  readonly step: number;
  /** Where pictures are drawn, one micro-batch after the other. */
  readonly room: BatchRoom;
  /** Where the sum goes, if the engine can write there. */
  readonly rooms: SumRooms;
}

interface Batch {
  readonly pixels: Float32Array;
  readonly labels: Int32Array;
  readonly size: number;
  readonly crops: readonly Crop[];
}

/** Crops of all images of a micro-batch. The RNG's key names the image, and its slot should it appear twice. */
function augmentedBatch(context: StepContext, { leaf, examples }: MicroBatch): Batch {
  const { method, seed, stage, step, draw, room } = context;
  const { cropSize: size, cropShare } = method[stage.model];
  const { pixels, labels } = room.of(examples.length, size);
  const crops = examples.map((example, slot) => {
    const rng = new Rng(seed, "augment", stage.model, stage.round, step, leaf, slot, example.image);
    const crop = drawCrop(cropShare, method.imageSize, rng);
    const light = drawLight(method.augment, rng);
    const cells = size * size;
    const out = pixels.subarray(slot * cells * 3, (slot + 1) * cells * 3);
    augment(example, method.imageSize, crop, light, size, out, labels.subarray(slot * cells, (slot + 1) * cells), draw);
    return crop;
  });
  return { pixels, labels, size, crops };
}

function imageTensor(tf: Tf, { pixels, size }: Batch): Tensor4D {
  return tf.tensor4d(pixels, [pixels.length / (size * size * 3), size, size, 3]);
}

/** 1 / counted pixels of each image; 0 where there are none. */
function countedShares({ labels, size }: Batch): Float32Array {
  const cells = size * size;
  const shares = new Float32Array(labels.length / cells);
  for (let n = 0; n < shares.length; n++) {
    let counted = 0;
    for (let i = n * cells; i < (n + 1) * cells; i++) if (labels[i] !== IGNORE) counted++;
    shares[n] = counted > 0 ? 1 / counted : 0;
  }
  return shares;
}

export async function segmenterGradient(
  context: StepContext,
  microBatch: MicroBatch,
  backbone: Backbone,
  network: Segmenter,
  store: ParamStore,
  superpixels: SuperpixelCache,
  labelCount: number,
): Promise<Float32Array> {
  const { tf, method } = context;
  const batch = augmentedBatch(context, microBatch);
  const { labels, size } = batch;
  const shares = countedShares(batch);
  const cuts = needsSuperpixels(method) ? croppedSuperpixels(context, microBatch, batch, superpixels) : null;
  const build = (): SumFormula => {
    const x = imageTensor(tf, batch);
    const fed: Tensor[] = [x];
    const feed = <T extends Tensor>(tensor: T): T => {
      fed.push(tensor);
      return tensor;
    };
    const loss = segmenterLoss(tf, method, network, { labels, shares, size, cuts, feed }, labelCount);
    const pieces = () => {
      const frozenTaps = backbone.frozen ? backbone.taps(x, store.get) : null;
      return store.gradientPieces(() => loss(frozenTaps ?? backbone.taps(x, store.get), store.get));
    };
    return { inputs: fed, pieces };
  };
  /** A RegionNet has as many rows as the photo has superpixels. */
  const key = network.regions ? null : `gradient ${shares.length} ${size}`;
  return sumOf(context, { key, build, store, weight: shares.filter((share) => share > 0).length });
}

/** Superpixels of the whole photos, through the same crops as the labels. */
function croppedSuperpixels(
  { method: { imageSize } }: StepContext,
  { examples }: MicroBatch,
  { crops, size }: Batch,
  superpixels: SuperpixelCache,
): Superpixels[] {
  return examples.map(({ image, pixels }, slot) => {
    const { regions } = superpixels.of(image, pixels, imageSize);
    return renumber(cropMap(regions, imageSize, crops[slot]!, size), size, size);
  });
}

/** Pooled features by image index: of a frozen backbone they never change, so each image goes through it once. */
export type FeatureCache = Map<number, Float32Array>;

export async function classifierGradient(
  context: StepContext,
  microBatch: MicroBatch,
  backbone: Backbone,
  classifier: TagClassifier,
  store: ParamStore,
  cache: FeatureCache,
  classCount: number,
): Promise<Float32Array> {
  const { tf } = context;
  const { examples } = microBatch;
  const tagged = (features: () => Tensor2D) => {
    const tags = tagMatrix(tf, examples, classCount);
    const loss = () => tagLoss(tf, classifier.logits(features(), store.get), tags);
    return { tags, pieces: () => store.gradientPieces(loss) };
  };
  if (backbone.frozen) {
    const rows = await frozenFeatures(context, examples, backbone, classifier, store, cache);
    const build = (): SumFormula => {
      const features = tf.stack(rows.map((row) => tf.tensor1d(row))) as Tensor2D;
      return { inputs: [], pieces: tagged(() => features).pieces };
    };
    return sumOf(context, { key: null, build, store, weight: examples.length });
  }
  const batch = augmentedBatch(context, microBatch);
  const build = (): SumFormula => {
    const x = imageTensor(tf, batch);
    const { tags, pieces } = tagged(() => classifier.features(backbone.taps(x, store.get)));
    return { inputs: [x, tags], pieces };
  };
  const key = `gradient ${examples.length} ${batch.size}`;
  return sumOf(context, { key, build, store, weight: examples.length });
}

function tagMatrix(tf: Tf, examples: readonly LabelledExample[], classCount: number): Tensor2D {
  const tags = new Float32Array(examples.length * classCount);
  examples.forEach((example, n) => {
    for (const tag of example.tags) tags[n * classCount + tag - 1] = 1;
  });
  return tf.tensor2d(tags, [examples.length, classCount]);
}

/** One image at a time, so that its bits do not depend on its company. */
async function frozenFeatures(
  { tf, method, programs }: StepContext,
  examples: readonly LabelledExample[],
  backbone: Backbone,
  classifier: TagClassifier,
  store: ParamStore,
  cache: FeatureCache,
): Promise<Float32Array[]> {
  const size = method.imageSize;
  const rows: Float32Array[] = [];
  for (const { image, pixels } of examples) {
    const known = cache.get(image);
    if (known) {
      rows.push(known);
      continue;
    }
    const build = (): Formula => {
      const x = tf.tensor4d(toUnit(pixels), [1, size, size, 3]);
      return { inputs: [x], value: () => classifier.features(backbone.taps(x, store.get)) };
    };
    const row = await take(await programs.value(`features ${size}`, build));
    cache.set(image, row);
    rows.push(row);
  }
  return rows;
}

interface SumFormula {
  /** All that differs from one micro-batch to the next, but for the parameters. */
  readonly inputs: readonly Tensor[];
  readonly pieces: () => Tensor[];
}

interface WantedSum {
  /** As of `Programs.value`. */
  readonly key: string | null;
  readonly build: () => SumFormula;
  readonly store: ParamStore;
  /** The sum's last number. */
  readonly weight: number;
}

async function sumOf(context: StepContext, wanted: WantedSum): Promise<Float32Array> {
  const length = wanted.store.pieceSizes.reduce((sum, size) => sum + size, 0);
  const room = worksInGivenMemory(context.tf) ? context.rooms.take(length) : null;
  const sums = await (room ? sumIn(room, context, wanted) : ownSum(context, wanted));
  sums[sums.length - 1] = wanted.weight;
  return sums;
}

async function sumIn(
  room: Float32Array,
  { tf, programs, method: { math } }: StepContext,
  { key, build, store }: WantedSum,
): Promise<Float32Array> {
  const target = new FlatTarget(tf, room, store.pieceSizes);
  const formula = (): Formula => {
    const { inputs, pieces } = build();
    const tensors = target.tensors();
    const value = () => target.write(tensors, pieces());
    return { inputs: [...inputs, ...tensors, ...store.tensors], value, math };
  };
  return target.written(await programs.value(key && `${key} in a room`, formula));
}

async function ownSum(
  { tf, programs, method: { math } }: StepContext,
  { key, build, store }: WantedSum,
): Promise<Float32Array> {
  const formula = (): Formula => {
    const { inputs, pieces } = build();
    return { inputs: [...inputs, ...store.tensors], value: () => joined(tf, pieces()), math };
  };
  return take(await programs.value(key, formula));
}
