/**
 * What is done to one image at each stage, from tensors to labels. Images are taken one by one, so that a result does
 * not depend on which others were in the shard.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { minedRounds } from "../../shared/config/rounds.js";
import { BACKGROUND } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import type {
  Example,
  PredictExample,
  PredictResult,
  RefineExample,
  RefineResult,
  SeedResult,
  TrainStage,
} from "../compute/contract.js";
import type { Backbone } from "./backbone/backbone.js";
import type { BatchRoom } from "./batch-room.js";
import { atScale, type CamOptions, camOf } from "./cam.js";
import type { TagClassifier } from "./classifier.js";
import type { Formula, Programs } from "./compiled.js";
import { FlatTarget } from "./flat-sum.js";
import { resize, toUnit } from "./images.js";
import { changedShare, gate, guard, otsuLabels, restrict, seedLabels, threeWay, withoutBackground } from "./labels.js";
import type { Segmenter } from "./networks/segmenter.js";
import type { Params } from "./nn/conv.js";
import { worksInGivenMemory } from "./nn/native.js";
import { labelsFrom, predictionSide, rawLabelsFrom } from "./prediction.js";
import { take } from "./read.js";
import { coloured, type Pamr, refineMap, resized, type SquareMap, startSide } from "./refinement.js";
import { cutPhoto, type SuperpixelCache } from "./superpixels/cut.js";
import type { Superpixels } from "./superpixels/superpixels.js";
import type { Tensor, Tensor4D, Tf } from "./tf.js";
import { boxsupLabels, mcofLabels, type RelabelInput, voted } from "./updaters/relabel.js";

/** The stored CAM's side: an anchor, not a picture. */
const camSide = 64;

export interface ClassifierParts {
  readonly tf: Tf;
  readonly method: MethodConfig;
  readonly backbone: Backbone;
  readonly classifier: TagClassifier;
  readonly params: Params;
  readonly pamrBy: Pamr;
}

export async function seedImage(parts: ClassifierParts, example: Example): Promise<SeedResult> {
  const { method, tf } = parts;
  const size = method.imageSize;
  const side = Math.min(camSide, size);
  const scores = await scoresOf(parts, example.pixels);
  const tags = example.tags;
  const shared = { image: example.image, camHeight: side, camWidth: side, scores };
  if (tags.length === 0) {
    const empty = new Uint8Array(size * size).fill(BACKGROUND);
    return { ...shared, cam: new Uint8Array(0), camLabels: empty, labels: empty.slice() };
  }
  const iterations = { coarse: method.seeds.pamrIterations, fine: 0 };
  const mapSide = startSide(method, iterations);
  const options: CamOptions = { config: method.cam, imageSize: size, size: mapSide };
  const values = await camOf(tf, parts.backbone, parts.classifier, parts.params, toUnit(example.pixels), tags, options);
  const cam = { values, side: mapSide, channels: tags.length };
  const refined = await refineMap(method, example.pixels, cam, iterations, parts.pamrBy);
  return {
    ...shared,
    cam: Uint8Array.from(resized(cam, side), (value) => Math.round(value * 255)),
    camLabels: threeWay(resized(cam, size), tags, method.cam.threshold, method.cam.threshold),
    labels: seedLabels(onSuperpixels(method, example, resized(refined, size)), tags, method.seeds),
  };
}

/** The map, or its means over superpixels where the seeds are to follow edges. */
function onSuperpixels({ imageSize, seeds, superpixels }: MethodConfig, { pixels, tags }: Example, map: Float32Array) {
  return seeds.vote ? voted(map, tags.length, cutPhoto(pixels, imageSize, superpixels)) : map;
}

async function scoresOf(parts: ClassifierParts, pixels: Uint8Array): Promise<number[]> {
  const { tf, method, backbone, classifier, params } = parts;
  const size = method.imageSize;
  const scores = tf.tidy(() => {
    const image = tf.tensor4d(toUnit(pixels), [1, size, size, 3]);
    return classifier.logits(classifier.features(backbone.taps(image, params)), params).sigmoid();
  });
  return [...(await take(scores))];
}

export interface SegmenterParts {
  readonly tf: Tf;
  /** As the network's round applies it (shared/config/rounds.ts). */
  readonly method: MethodConfig;
  readonly backbone: Backbone;
  readonly network: Segmenter;
  readonly params: Params;
  /** All that `params` gives, unless it stays as it is. */
  readonly tensors: readonly Tensor[];
  readonly programs: Programs;
  /** Where a photo and the network's answer lie, one photo after the other. */
  readonly room: BatchRoom;
  readonly pamrBy: Pamr;
  readonly classCount: number;
  readonly seed: number;
  readonly superpixels: SuperpixelCache;
}

export async function refineImage(
  parts: SegmenterParts,
  stage: TrainStage,
  example: RefineExample,
): Promise<RefineResult> {
  const { method } = parts;
  const { image, tags } = example;
  if (tags.length === 0) {
    const labels = new Uint8Array(example.labels.length).fill(BACKGROUND);
    return { image, labels, changed: changedShare(example.labels, labels), kept: null };
  }
  const { refine } = method;
  const iterations = { coarse: refine.pamrIterations, fine: method.finePamr.iterations };
  const all = await probabilitiesOf(parts, example.pixels, refine, startSide(method, iterations));
  const allowed = coloured(method.imageSize, example.pixels, only(all, [BACKGROUND, ...tags]), refine.colourWeight);
  const gated = { ...all, values: withoutBackground(allowed.values, allowed.channels), channels: tags.length };
  const refined = await refineMap(method, example.pixels, gated, iterations, parts.pamrBy);
  const scores = resized(refined, method.imageSize);
  const cam = Float32Array.from(example.cam);
  const camGrid = { height: example.camHeight, width: example.camWidth, channels: tags.length };
  const anchor = resize(cam, camGrid, method.imageSize, method.imageSize);
  const { pixels, labels: old } = example;
  const fresh = await relabel(parts, stage, image, { pixels, size: method.imageSize, tags, scores, old, cam: anchor });
  const kept = example.isRejected ? null : guard({ old: example.labels, fresh, cam: anchor, tags }, refine);
  if (kept) return { image, labels: example.labels, changed: 0, kept };
  return { image, labels: fresh, changed: changedShare(example.labels, fresh), kept };
}

/** New labels, before the guards. */
async function relabel(
  parts: SegmenterParts,
  { round }: TrainStage,
  image: number,
  input: RelabelInput,
): Promise<Uint8Array> {
  const { method, seed, superpixels } = parts;
  const { pixels, size, tags, scores } = input;
  const { updater, vote, cut: rule } = method.refine;
  const cutAt = (map: Float32Array) => (rule === "half" ? threeWay(map, tags, 0.5, 0.5) : otsuLabels(map, tags, 0));
  if (updater === "boxsup") return boxsupLabels(input, method, new Rng(seed, "boxsup", round, image));
  if (updater === "feedback" && !vote) return cutAt(scores);
  const cut = superpixels.of(image, pixels, size);
  if (updater === "feedback") return cutAt(voted(scores, tags.length, cut));
  const regions = gate(await regionProbabilities(parts, pixels, cut), parts.classCount + 1, tags);
  const isFirst = round === minedRounds(method) + 1;
  return mcofLabels(input, cut, regions, isFirst ? method.refine.saliency : null);
}

/** The RegionNet's answer for every superpixel, [R, K + 1]. */
async function regionProbabilities(parts: SegmenterParts, pixels: Uint8Array, cut: Superpixels): Promise<Float32Array> {
  const { tf, backbone, network, params } = parts;
  const probabilities = tf.tidy(() => {
    const image = tf.tensor4d(toUnit(pixels), [1, cut.height, cut.width, 3]);
    const taps = backbone.taps(image, params);
    return network.regions!.logits(taps, cut.regions, cut.width, cut.count, params).softmax();
  });
  return take(probabilities);
}

export async function predictImage(parts: SegmenterParts, example: PredictExample): Promise<PredictResult> {
  const { method, classCount } = parts;
  const { image, pixels, width, height, allowed, raw } = example;
  if (allowed?.length === 0) return { image, labels: new Uint8Array(width * height).fill(BACKGROUND) };
  const { values: probabilities } = await probabilitiesOf(parts, pixels, method.predict, predictionSide(method));
  const input = { probabilities, classCount, pixels, width, height, allowed };
  return { image, labels: raw ? rawLabelsFrom(method, input) : await labelsFrom(method, input, parts.pamrBy) };
}

function only(map: SquareMap, ids: readonly number[]): SquareMap {
  return { ...map, values: restrict(map.values, map.channels, ids), channels: ids.length };
}

/** How an image is looked at: the answer is the mean over sizes and mirrored images. */
export interface Views {
  readonly flip: boolean;
  /** Relative to imageSize. */
  readonly scales: readonly number[];
}

/** Until the next image. */
async function probabilitiesOf(
  parts: SegmenterParts,
  pixels: Uint8Array,
  views: Views,
  side: number,
): Promise<SquareMap> {
  const { tf, classCount, programs, tensors, room } = parts;
  const channels = classCount + 1;
  const key = `probabilities ${side} ${views.flip} ${views.scales}`;
  const map = (image: Tensor4D) => probabilityMap(parts, image, views, side);
  if (!worksInGivenMemory(tf)) {
    const build = (): Formula => {
      const image = imageOf(parts, toUnit(pixels));
      return { inputs: [image, ...tensors], value: () => map(image) };
    };
    return { values: await take(await programs.value(key, build)), side, channels };
  }
  const values = room.answer(side * side * channels);
  const target = new FlatTarget(tf, values, [values.length]);
  const build = (): Formula => {
    const image = imageOf(parts, toUnit(pixels, room.pixels(pixels.length)));
    const targets = target.tensors();
    return { inputs: [image, ...targets, ...tensors], value: () => target.write(targets, [map(image).flatten()]) };
  };
  return { values: await target.written(await programs.value(key, build)), side, channels };
}

function imageOf({ tf, method: { imageSize } }: SegmenterParts, values: Float32Array): Tensor4D {
  return tf.tensor4d(values, [1, imageSize, imageSize, 3]);
}

type NetworkParts = Pick<SegmenterParts, "tf" | "method" | "backbone" | "network" | "params">;

/**
 * All of a prediction that the engine computes, so also what an exported model is: images in [-1, 1], [1, S, S, 3], to
 * probabilities [1, side, side, K + 1]. Call inside tf.tidy.
 */
export function probabilityMap(parts: NetworkParts, image: Tensor4D, views: Views, side: number): Tensor4D {
  const { tf, method } = parts;
  const maps = views.scales.map((scale) => {
    const soft = viewOf(parts, atScale(tf, image, method.imageSize, scale), views.flip);
    return tf.image.resizeBilinear(soft, [side, side], false, true);
  });
  return maps.length === 1 ? maps[0]! : (tf.addN(maps).div(maps.length) as Tensor4D);
}

/** Probabilities at the network's own stride, of one view of the image and, if so, its mirror image. */
function viewOf({ tf, backbone, network, params }: NetworkParts, image: Tensor4D, flip: boolean): Tensor4D {
  const batch = flip ? tf.concat([image, image.reverse(2)]) : image;
  const [finest] = network.logits(backbone.taps(batch, params), params, false);
  const soft = finest!.softmax() as Tensor4D;
  if (!flip) return soft;
  const [plain, mirrored] = soft.unstack() as [Tensor4D, Tensor4D];
  return plain.add(mirrored.reverse(1)).div(2).expandDims(0) as Tensor4D;
}
