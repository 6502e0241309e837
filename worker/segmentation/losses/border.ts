/**
 * Training of a border map (DFN, Yu 2018, section 3.3): where two known labels meet, and the focal loss (Lin 2017) that
 * finds the few border pixels among the many others.
 *
 *   FL(p) = -(1 - p)^gamma ln p,   p = sigmoid(logit) for a border pixel, 1 - sigmoid(logit) for any other
 *
 * The authors' later code applies the sigmoid twice and turns a sign: its loss falls with the logit for either target,
 * so everything becomes border. The tests here hold the direction for both.
 */
import { IGNORE } from "../../../shared/data/manifest.js";
import { dilate } from "../superpixels/superpixels.js";
import type { Tensor, Tf } from "../tf.js";

const gamma = 2;
/** The paper's borders are 7 pixels wide on crops of 512. */
const radiusShare = 3 / 512;

/** Pixels on either side of the line between two labels that count as border. */
export function borderRadius(cropSize: number): number {
  return Math.max(1, Math.round(radiusShare * cropSize));
}

/**
 * 1 near a border between two known labels, 0 elsewhere, 255 where the label itself is unknown and no border is near.
 * The rim of an unknown region is no border: nobody knows what lies behind it.
 */
export function borderTarget(labels: Uint8Array | Int32Array, width: number, height: number, radius: number) {
  const line = new Uint8Array(labels.length);
  const compare = (i: number, j: number) => {
    if (labels[i] !== labels[j] && labels[i] !== IGNORE && labels[j] !== IGNORE) line[i] = line[j] = 1;
  };
  for (let i = 0; i < labels.length; i++) {
    if ((i + 1) % width !== 0) compare(i, i + 1);
    if (i + width < labels.length) compare(i, i + width);
  }
  const target = dilate(line, width, height, radius - 1);
  return target.map((isBorder, i) => (isBorder ? 1 : labels[i] === IGNORE ? IGNORE : 0));
}

/**
 * Focal loss, summed: logits and targets (0 or 1) of one shape, `weight` per pixel.
 * With z = the logit, negated for target 0: d/dz = -(1 - p)^gamma (gamma p softplus(-z) + 1 - p), which is never positive.
 */
export function focalLoss(tf: Tf, logits: Tensor, target: Tensor, weight: Tensor): Tensor {
  const sign = target.mul(2).sub(1);
  const op = tf.customGrad((...inputs) => {
    const [x, save] = inputs as unknown as [Tensor, (tensors: Tensor[]) => void];
    const z = x.mul(sign);
    /** -ln p, and 1 - p; softplus in a form that neither overflows nor loses small values. */
    const entropy = z.neg().relu().add(tf.log1p(z.abs().neg().exp()));
    const miss = z.neg().sigmoid();
    const value = miss.pow(gamma).mul(entropy).mul(weight).sum();
    save([entropy, miss, sign, weight]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor => {
      const [e, m, direction, w] = saved as [Tensor, Tensor, Tensor, Tensor];
      const p = tf.sub(1, m);
      return m.pow(gamma).mul(p.mul(e).mul(gamma).add(m)).mul(direction).mul(w).mul(dy).neg();
    };
    return { value: value as never, gradFunc: gradFunc as never };
  });
  return op(logits);
}
