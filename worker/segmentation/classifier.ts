/**
 * The tag classifier: global average pool of the features at one stride, then one logistic unit per tag. Its weights,
 * applied to every cell instead of the mean, are the class activation map (Zhou 2016, arXiv 1512.04150).
 *
 * Each image's pooled features are normalised over their own channels (mean 0, deviation 1). Data-set statistics would
 * do the same job, but nobody has them: a worker sees only its share of the images.
 */
import type { Backbone } from "./backbone/backbone.js";
import { tapStrides } from "./backbone/backbone.js";
import type { Params } from "./nn/conv.js";
import { constant, kernel, type ParamDef } from "./params.js";
import type { Tensor2D, Tensor4D, Tf } from "./tf.js";

const weight = "classifier/kernel";
const bias = "classifier/bias";
/** Keeps an all-zero feature vector finite. */
const deviationMin = 1e-6;

export interface TagClassifier {
  readonly defs: readonly ParamDef[];
  /** Index of the tap it looks at. */
  readonly tap: number;
  /** Normalised features of whole images, [N, C]. */
  features(taps: readonly Tensor4D[]): Tensor2D;
  /** [N, C] -> [N, K]. */
  logits(features_NC: Tensor2D, params: Params): Tensor2D;
  /** Logits of the chosen tags in every cell, [N, h, w, tags]: their mean over cells is the image's logit. */
  activation(taps: readonly Tensor4D[], params: Params, tags: readonly number[]): Tensor4D;
}

export function tagClassifier(tf: Tf, backbone: Backbone, stride: number, classCount: number): TagClassifier {
  const tap = (tapStrides as readonly number[]).indexOf(stride);
  const channels = backbone.channels[tap]!;
  /** Mean and deviation over channels of the pooled features, [N, 1]. */
  const statistics = (pooled: Tensor2D) => {
    const { mean, variance } = tf.moments(pooled, 1, true);
    return { mean, deviation: variance.sqrt().add(deviationMin) };
  };
  return {
    tap,
    defs: [...backbone.defs, kernel(weight, [channels, classCount], 0.02), constant(bias, classCount, 0)],
    features: (taps) => {
      const pooled = taps[tap]!.mean([1, 2]) as Tensor2D;
      const { mean, deviation } = statistics(pooled);
      return pooled.sub(mean).div(deviation) as Tensor2D;
    },
    logits: (features_NC, params) => features_NC.matMul(params(weight) as Tensor2D).add(params(bias)) as Tensor2D,
    activation: (taps, params, tags) => {
      const features = taps[tap]!;
      const [n, h, w, c] = features.shape;
      const { mean, deviation } = statistics(features.mean([1, 2]) as Tensor2D);
      const normal = features.sub(mean.reshape([n, 1, 1, 1])).div(deviation.reshape([n, 1, 1, 1]));
      const columns = tags.map((tag) => tag - 1);
      const chosen = tf.gather(params(weight), columns, 1) as Tensor2D;
      const offsets = tf.gather(params(bias), columns);
      const cells = normal.reshape([n * h * w, c]).matMul(chosen as never) as Tensor2D;
      return cells.add(offsets).reshape([n, h, w, tags.length]) as Tensor4D;
    },
  };
}
