/**
 * Grad-CAM (Selvaraju et al., ICCV 2017): channels weighted by the mean gradient of the tag's logit, summed,
 *
 *   alpha_k = mean over cells of dy / dA_k;   map = sum over k of alpha_k A_k
 *
 * (its ReLU is cam.ts's, after all sizes are added). On a linear head after global pooling it is the CAM up to scale;
 * this classifier normalises the pooled features first, so that the two weigh channels differently.
 */
import type { TagClassifier } from "./classifier.js";
import type { Params } from "./nn/conv.js";
import type { Tensor, Tensor4D, Tf } from "./tf.js";

/** Maps of the chosen tags, [N, h, w, tags]. */
export function gradActivation(
  tf: Tf,
  classifier: TagClassifier,
  taps: readonly Tensor4D[],
  params: Params,
  tags: readonly number[],
): Tensor4D {
  const features = taps[classifier.tap]!;
  const maps = tags.map((tag) => {
    /** Summed over images: an image's gradient is its own. */
    const logit = (x: Tensor) => {
      const seen = taps.map((tap, i) => (i === classifier.tap ? (x as Tensor4D) : tap));
      const logits = classifier.logits(classifier.features(seen), params);
      return logits.slice([0, tag - 1], [-1, 1]).sum();
    };
    const alpha = tf.grad(logit)(features).mean([1, 2], true);
    return features.mul(alpha).sum(3, true) as Tensor4D;
  });
  return tf.concat(maps, 3);
}
