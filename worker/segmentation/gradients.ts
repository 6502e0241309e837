/**
 * The gradient of one micro-batch: [gradient of the sum of per-image losses, loss sum, weight sum]. A function of
 * (setup, stage, step, images, parameters) alone; which worker, and what else it computes, has no part in it.
 */
import type { LabelledExample, MicroBatch } from "../compute/contract.js";
import type { SumProgress } from "../compute/sum-progress.js";
import type { SumRooms } from "../compute/sum-rooms.js";
import { cropMap } from "./augment.js";
import type { Backbone } from "./backbone/backbone.js";
import { augmentedBatch, type Batch, type BatchContext, type Feed } from "./batch.js";
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
import type { Tensor, Tensor2D, Tf } from "./tf.js";

export interface StepContext extends BatchContext {
  /** Of the model that is trained. */
  readonly programs: Programs;
  /** Where the sum goes, if the engine can write there. */
  readonly rooms: SumRooms;
  /** What of it is there, for who asks. */
  readonly progress: SumProgress | undefined;
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
  const { count, size, labels, targets } = batch;
  const cuts = needsSuperpixels(method) ? croppedSuperpixels(context, microBatch, batch, superpixels) : null;
  const build = (): SumFormula => {
    const { fed, feed } = feeding();
    const images = batch.pictures(feed);
    const loss = segmenterLoss(tf, method, network, { count, size, labels, targets, cuts, feed }, labelCount);
    const pieces = () => {
      const x = images();
      const frozenTaps = backbone.frozen ? backbone.taps(x, store.get) : null;
      return store.gradientPieces(() => loss(frozenTaps ?? backbone.taps(x, store.get), store.get));
    };
    return { inputs: fed, pieces };
  };
  /** A RegionNet has as many rows as the photo has superpixels. */
  const key = network.regions ? null : `gradient ${count} ${size}`;
  return sumOf(context, { key, build, store, weight: batch.labelled() });
}

function feeding(): { readonly fed: readonly Tensor[]; readonly feed: Feed } {
  const fed: Tensor[] = [];
  const feed = <T extends Tensor>(tensor: T): T => {
    fed.push(tensor);
    return tensor;
  };
  return { fed, feed };
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
  const lossPieces = (features: () => Tensor2D, tags: Tensor2D) => {
    return store.gradientPieces(() => tagLoss(tf, classifier.logits(features(), store.get), tags));
  };
  if (backbone.frozen) {
    const rows = await frozenFeatures(context, examples, backbone, classifier, store, cache);
    const build = (): SumFormula => {
      const features = tf.stack(rows.map((row) => tf.tensor1d(row))) as Tensor2D;
      const tags = tagMatrix(tf, examples, classCount);
      return { inputs: [], pieces: () => lossPieces(() => features, tags) };
    };
    return sumOf(context, { key: null, build, store, weight: examples.length });
  }
  const batch = augmentedBatch(context, microBatch);
  const build = (): SumFormula => {
    const { fed, feed } = feeding();
    const images = batch.pictures(feed);
    const tags = tagMatrix(tf, examples, classCount);
    const pieces = () => {
      const x = images();
      return lossPieces(() => classifier.features(backbone.taps(x, store.get)), tags);
    };
    return { inputs: [...fed, tags], pieces };
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
  const sums = await (room ? sumIn(room, context, wanted) : sumOut(length, context, wanted));
  sums[sums.length - 1] = wanted.weight;
  return sums;
}

async function sumIn(
  room: Float32Array,
  { tf, programs, progress, method: { math } }: StepContext,
  { key, build, store }: WantedSum,
): Promise<Float32Array> {
  const target = new FlatTarget(tf, room, store.pieceSizes, progress);
  const formula = (): Formula => {
    const { inputs, pieces } = build();
    const tensors = target.tensors();
    const value = () => target.write(tensors, pieces());
    return { inputs: [...inputs, ...tensors, ...store.tensors], value, math };
  };
  return target.written(await programs.value(key && `${key} in a ${target.isMarked ? "marked " : ""}room`, formula));
}

/** Of an engine that does not work in the memory: brought there, where it can be; else into an array of its own. */
async function sumOut(
  length: number,
  { tf, programs, rooms, method: { math } }: StepContext,
  { key, build, store }: WantedSum,
): Promise<Float32Array> {
  const formula = (): Formula => {
    const { inputs, pieces } = build();
    return { inputs: [...inputs, ...store.tensors], value: () => joined(tf, pieces()), parts: pieces, math };
  };
  const brought = await programs.into(key, formula, () => rooms.take(length) ?? new Float32Array(length));
  return brought ?? take(await programs.value(key, formula));
}
