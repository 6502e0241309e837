/**
 * Losses over pixels with soft labels y and predictions s = softmax(logits); w = the pixel's weight, the sum of its
 * target. Each is a sum over the pixels; gradients are written out.
 *
 *   cross entropy  - sum_c w y_c ln s_c
 *   collision      - w ln sum_c y_c s_c     (Li and Boykov, DS-CRF: the chance that label and prediction draw the same
 *                                            class. Where y is undecided the prediction may decide freely.)
 * With hard labels both are the same.
 */
import type { Tensor, Tensor4D, Tf } from "../tf.js";

/** target_NHWC = w y. */
export function softCrossEntropy(tf: Tf, logits_NHWC: Tensor4D, target_NHWC: Tensor): Tensor {
  return withGradient(tf, logits_NHWC, target_NHWC, {
    value: (x, target) => x.logSoftmax().mul(target).sum().neg(),
    gradient: (x, target) => x.softmax().mul(target.sum(-1, true)).sub(target),
  });
}

/** Keeps ln finite where the prediction excludes the label; below what float32 softmax gives for a gap of 60. */
const probabilityMin = 1e-30;

export function collisionEntropy(tf: Tf, logits_NHWC: Tensor4D, target_NHWC: Tensor): Tensor {
  return withGradient(tf, logits_NHWC, target_NHWC, {
    value: (x, target) => {
      const weight = target.sum(-1);
      const meeting = x.softmax().mul(target).sum(-1);
      /** ln(sum y s) = ln(sum w y s) - ln w; both 1 where w is 0. */
      const none = weight.equal(0).cast("float32");
      return meeting.add(none).add(probabilityMin).log().sub(weight.add(none).log()).mul(weight).sum().neg();
    },
    gradient: (x, target) => {
      const s = x.softmax();
      const joint = s.mul(target);
      const meeting = joint.sum(-1, true).add(probabilityMin);
      return target.sum(-1, true).mul(s.sub(joint.div(meeting)));
    },
  });
}

interface Formula {
  value(x: Tensor, target: Tensor): Tensor;
  gradient(x: Tensor, target: Tensor): Tensor;
}

function withGradient(tf: Tf, logits: Tensor, target: Tensor, formula: Formula): Tensor {
  const op = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [Tensor, (tensors: Tensor[]) => void];
    save([x, target]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor => formula.gradient(saved[0]!, saved[1]!).mul(dy);
    return { value: formula.value(x, target) as never, gradFunc: gradFunc as never };
  });
  return op(logits);
}
