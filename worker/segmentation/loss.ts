/** Losses. Each returns the SUM over images of the image's own mean, so that micro-batches add up to the step. */
import type { Tensor, Tensor2D, Tensor4D, Tf } from "./tf.js";

export interface PixelTargets {
  /** [N, H, W] int32; 255 = ignore. */
  readonly labels_NHW: Tensor;
  /** 1 / (counted pixels), [N, 1, 1, 1]; 0 for an image whose pixels are all ignored. */
  readonly share_N111: Tensor;
}

/** Softmax cross entropy over the pixels that have a label. Labels beyond the channels (255) count nothing. */
export function pixelLoss(tf: Tf, logits_NHWC: Tensor4D, { labels_NHW, share_N111 }: PixelTargets): Tensor {
  const depth = logits_NHWC.shape[3];
  const op = tf.customGrad((...inputs) => {
    const [logits, save] = inputs as unknown as [Tensor4D, (tensors: Tensor[]) => void];
    const target = tf.oneHot(labels_NHW as never, depth).mul(share_N111);
    const weight = labels_NHW.less(depth).cast("float32").expandDims(3).mul(share_N111);
    const scores = logits.sub(logits.max(3, true));
    const exps = scores.exp();
    const total = exps.sum(3, true);
    const value = weight.mul(total.log()).sum().sub(target.mul(scores).sum());
    // Softmax times weight, from what the value needs anyway: TensorFlow's own takes longest where classes are few.
    save([exps.mul(weight.div(total)).sub(target)]);
    const gradFunc = (dy: Tensor, [slope]: Tensor[]): Tensor => slope!.mul(dy);
    return { value: value as never, gradFunc: gradFunc as never };
  });
  return op(logits_NHWC);
}

/** Multi-label soft-margin loss: sigmoid cross entropy, mean over tags (as IRN trains its classifier). */
export function tagLoss(tf: Tf, logits_NK: Tensor2D, tags_NK: Tensor2D): Tensor {
  const positive = logits_NK.relu().sub(logits_NK.mul(tags_NK));
  const entropy = positive.add(tf.log1p(logits_NK.abs().neg().exp()));
  return entropy.mean(1).sum();
}
