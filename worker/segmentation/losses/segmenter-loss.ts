/**
 * The segmenter's loss over one micro-batch as configured: region loss at every supervised stride, and, where their
 * weights say so, the pairwise loss, the Border Network's and the RegionNet's. Everything that does not depend on
 * parameters is made once, before the gradient's tape runs. Each part is a sum over images of the image's own mean.
 */
import type { MethodConfig } from "../../../shared/config/method.js";
import { IGNORE } from "../../../shared/data/manifest.js";
import type { Drawn, Feed } from "../batch.js";
import { type PixelTargets, pixelLoss } from "../loss.js";
import type { Segmenter } from "../networks/segmenter.js";
import type { Params } from "../nn/conv.js";
import { upsample } from "../nn/upsample.js";
import { dilate, edgeMap, type Superpixels, vote } from "../superpixels/superpixels.js";
import type { Tensor, Tensor4D, Tf } from "../tf.js";
import { regionLoss } from "../updaters/region-net.js";
import { borderRadius, borderTarget, focalLoss } from "./border.js";
import { pairwiseLoss } from "./pairwise.js";
import { collisionEntropy, softCrossEntropy } from "./region-losses.js";
import { balancedWeights, confidenceWeights, equalWeights, softLabels } from "./targets.js";

export interface LossInput {
  /** Crops. */
  readonly count: number;
  readonly size: number;
  /** Crops' labels, [N * size * size]; 255 = ignore. */
  readonly labels: () => Int32Array;
  readonly targets: Drawn["targets"];
  /** Superpixels of every crop, or null where no part of the loss needs them. */
  readonly cuts: readonly Superpixels[] | null;
  readonly feed: Feed;
}

/** Whether the configured loss, or the updater's network, looks at superpixels. */
export function needsSuperpixels({ segmenter, refine }: MethodConfig): boolean {
  return segmenter.softLabels > 0 || segmenter.pairwiseWeight > 0 || refine.updater === "mcof";
}

type Loss = (taps: readonly Tensor4D[], params: Params) => Tensor;

/** Call inside tf.tidy; the result runs under the gradient's tape. */
export function segmenterLoss(tf: Tf, method: MethodConfig, network: Segmenter, input: LossInput, depth: number): Loss {
  const { deepSupervision, pairwiseWeight, borderWeight, pairwiseDilation } = method.segmenter;
  const { size } = input;
  const region = regionTerm(tf, method.segmenter, input, depth);
  const free = pairwiseWeight > 0 ? freeOfEdges(tf, input, pairwiseDilation) : null;
  const border = network.border ? borderTerm(tf, input) : null;
  return (taps, params) => {
    const full = network
      .logits(taps, params, deepSupervision > 0)
      .map((logits) => upsample(tf, logits, size, size) as Tensor4D);
    const losses = full.map((logits, i) => (i === 0 ? region(logits) : region(logits).mul(deepSupervision)));
    if (free) losses.push(pairwiseLoss(tf, full[0]!, free).mul(pairwiseWeight));
    if (border) {
      for (const map of network.border!.logits(taps, params)) {
        losses.push(border(upsample(tf, map, size, size)).mul(borderWeight));
      }
    }
    if (network.regions) losses.push(...regionNetLosses(tf, network, taps, params, input, depth));
    return tf.addN(losses);
  };
}

type Term = (logits: Tensor4D) => Tensor;

function regionTerm(tf: Tf, config: MethodConfig["segmenter"], input: LossInput, depth: number): Term {
  const { count, size, feed } = input;
  if (config.loss === "ce" && config.softLabels === 0) {
    const make = input.targets(feed);
    let targets: PixelTargets | null = null;
    return (logits) => {
      targets ??= make();
      return pixelLoss(tf, logits, targets);
    };
  }
  const target = feed(tf.tensor4d(weightedTarget(config, input, depth), [count, size, size, depth]));
  const loss = config.loss === "collision" ? collisionEntropy : softCrossEntropy;
  return (logits) => loss(tf, logits, target);
}

/** Soft labels times pixel weights, [N * cells * depth]; weights of an image sum to 1. */
function weightedTarget(config: MethodConfig["segmenter"], input: LossInput, depth: number): Float32Array {
  const cells = input.size ** 2;
  const all = input.labels();
  const out = new Float32Array(all.length * depth);
  for (let n = 0; n < input.count; n++) {
    const labels = all.subarray(n * cells, (n + 1) * cells);
    const cut = input.cuts?.[n];
    const labelled = { labels, regions: cut?.regions ?? null, regionCount: cut?.count ?? 0 };
    const soft = softLabels(labelled, depth, config.softLabels);
    const weights = weightsOf(config.loss, labels, soft, depth);
    for (let i = 0; i < soft.length; i++) {
      out[n * soft.length + i] = soft[i]! * weights[Math.floor(i / depth)]!;
    }
  }
  return out;
}

function weightsOf(
  loss: MethodConfig["segmenter"]["loss"],
  labels: Int32Array,
  soft: Float32Array,
  depth: number,
): Float32Array {
  if (loss === "balanced") return balancedWeights(labels);
  return loss === "confidence" ? confidenceWeights(soft, depth) : equalWeights(labels);
}

function freeOfEdges(tf: Tf, { cuts, size, feed }: LossInput, dilation: number): Tensor4D {
  const free = new Float32Array(cuts!.length * size * size);
  cuts!.forEach((cut, n) => {
    const edges = dilate(edgeMap(cut, 0), size, size, dilation);
    edges.forEach((isEdge, i) => {
      free[n * size * size + i] = isEdge ? 0 : 1;
    });
  });
  return feed(tf.tensor4d(free, [cuts!.length, size, size, 1]));
}

function borderTerm(tf: Tf, { labels: labelsOf, count, size, feed }: LossInput): Term {
  const cells = size * size;
  const labels = labelsOf();
  const target = new Float32Array(labels.length);
  const weight = new Float32Array(labels.length);
  for (let n = 0; n < count; n++) {
    const own = borderTarget(labels.subarray(n * cells, (n + 1) * cells), size, size, borderRadius(size));
    const known = own.reduce((count, value) => count + (value === IGNORE ? 0 : 1), 0);
    own.forEach((value, i) => {
      if (value === IGNORE) return;
      target[n * cells + i] = value;
      weight[n * cells + i] = 1 / known;
    });
  }
  const shape: [number, number, number, number] = [count, size, size, 1];
  const [targets, weights] = [feed(tf.tensor4d(target, shape)), feed(tf.tensor4d(weight, shape))];
  return (logits) => focalLoss(tf, logits, targets, weights);
}

/** One image at a time: each has its own superpixels. */
function regionNetLosses(
  tf: Tf,
  network: Segmenter,
  taps: readonly Tensor4D[],
  params: Params,
  { labels, size, cuts }: LossInput,
  depth: number,
): Tensor[] {
  return cuts!.map((cut, n) => {
    const own = taps.map((tap) => tf.slice(tap, [n, 0, 0, 0], [1, -1, -1, -1]) as Tensor4D);
    const known = Uint8Array.from(labels().subarray(n * size * size, (n + 1) * size * size));
    const logits = network.regions!.logits(own, cut.regions, size, cut.count, params);
    return regionLoss(tf, logits, vote(known, depth, cut));
  });
}
