/**
 * MCOF's RegionNet on superpixels (Wang et al., CVPR 2018, section 3.2), light: the backbone's features averaged inside
 * each superpixel (the paper's mask pooling: what lies in the rectangle but outside the region does not count), two
 * layers, softmax over background and tags. Trained on the superpixels' commonest labels, then asked again: regions that
 * look like an object's other regions join it, and wrong seeds are outvoted.
 *
 * Differences: it learns in the same steps as the segmentation network (the PixelNet) of its round, from the same
 * labels, so that it is trained across workers like everything else; pooling reads all four taps of the whole image
 * rather than a resized rectangle.
 */
import { IGNORE } from "../../../shared/data/manifest.js";
import type { Backbone } from "../backbone/backbone.js";
import type { Params } from "../nn/conv.js";
import { relu } from "../nn/relu.js";
import { constant, kernel, type ParamDef } from "../params.js";
import type { Tensor, Tensor2D, Tensor4D, Tf } from "../tf.js";

const hidden = 64;
/** Keeps a constant feature vector finite. */
const deviationMin = 1e-5;

export interface RegionNet {
  readonly defs: readonly ParamDef[];
  /** [R, K + 1] for the superpixels of one image; `regions` [height, width] at the image's size. */
  logits(taps: readonly Tensor4D[], regions: Int32Array, width: number, count: number, params: Params): Tensor2D;
}

export function regionNet(tf: Tf, backbone: Backbone, labelCount: number): RegionNet {
  const from = backbone.channels.reduce((sum, channels) => sum + channels, 0);
  return {
    defs: [
      kernel("region/a/kernel", [from, hidden]),
      constant("region/a/bias", hidden, 0),
      kernel("region/b/kernel", [hidden, labelCount], 0.02),
      constant("region/b/bias", labelCount, 0),
    ],
    logits: (taps, regions, width, count, params) => {
      const pooled = taps.map((tap) => normalised(poolRegions(tf, tap, regions, width, count)));
      const x = tf.concat(pooled, 1) as Tensor2D;
      const a = relu(tf, x.matMul(params("region/a/kernel") as Tensor2D).add(params("region/a/bias")));
      return a.matMul(params("region/b/kernel") as Tensor2D).add(params("region/b/bias")) as Tensor2D;
    },
  };
}

/** Every tap speaks with the same force: mean 0 and deviation 1 over the channels of a region. */
function normalised(features_RC: Tensor2D): Tensor2D {
  const centred = features_RC.sub(features_RC.mean(1, true));
  const deviation = centred.square().mean(1, true).add(deviationMin).sqrt();
  return centred.div(deviation) as Tensor2D;
}

/** Mean of one image's features [1, h, w, C] over each region: a product with the regions' shares of the cells. */
export function poolRegions(tf: Tf, tap: Tensor4D, regions: Int32Array, width: number, count: number): Tensor2D {
  const [, h, w, c] = tap.shape;
  const shares = coverage(regions, width, regions.length / width, count, h, w);
  return tf.matMul(tf.tensor2d(shares, [count, h * w]), tap.reshape([h * w, c]) as Tensor2D);
}

/** Share of each region's pixels that lie in each cell of a coarser grid, [R, h * w]; every row sums to 1. */
export function coverage(
  regions: Int32Array,
  width: number,
  height: number,
  count: number,
  h: number,
  w: number,
): Float32Array {
  const shares = new Float32Array(count * h * w);
  const sizes = new Float32Array(count);
  for (let i = 0; i < regions.length; i++) {
    const x = Math.floor(((i % width) * w) / width);
    const y = Math.floor((Math.floor(i / width) * h) / height);
    const at = regions[i]! * h * w + y * w + x;
    shares[at] = shares[at]! + 1;
    sizes[regions[i]!] = sizes[regions[i]!]! + 1;
  }
  for (let i = 0; i < shares.length; i++) {
    const size = sizes[Math.floor(i / (h * w))]!;
    if (size > 0) shares[i] = shares[i]! / size;
  }
  return shares;
}

/** Mean cross entropy over the superpixels with a label, [R] class ids or 255; 0 where none has one. */
export function regionLoss(tf: Tf, logits_RK: Tensor2D, labels: Uint8Array): Tensor {
  const depth = logits_RK.shape[1];
  const known = labels.reduce((sum, label) => sum + (label === IGNORE ? 0 : 1), 0);
  const target = new Float32Array(labels.length * depth);
  labels.forEach((label, region) => {
    if (label !== IGNORE) target[region * depth + label] = 1 / known;
  });
  return logits_RK
    .logSoftmax()
    .mul(tf.tensor2d(target, [labels.length, depth]))
    .sum()
    .neg();
}
