/**
 * Class activation maps: logits of every cell, summed over image sizes and the mirrored image (IRN's inference, Ahn
 * 2019, arXiv 1904.05044), only for the tags that the image has, negative evidence cut off, largest value 1.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import type { Backbone } from "./backbone/backbone.js";
import type { TagClassifier } from "./classifier.js";
import { gradActivation } from "./grad-cam.js";
import { channel, maxOf } from "./images.js";
import type { Params } from "./nn/conv.js";
import { take } from "./read.js";
import type { Tensor, Tensor4D, Tf } from "./tf.js";

export interface CamOptions {
  readonly config: MethodConfig["cam"];
  readonly imageSize: number;
  /** Side of the map wanted, cells. */
  readonly size: number;
}

/** CAMs of one image's tags, [size, size, tags], each with maximum 1 (or all 0 where nothing speaks for the tag). */
export async function camOf(
  tf: Tf,
  backbone: Backbone,
  classifier: TagClassifier,
  params: Params,
  image_HWC: Float32Array,
  tags: readonly number[],
  options: CamOptions,
): Promise<Float32Array> {
  const { config, imageSize, size } = options;
  const summed = tf.tidy(() => {
    const image = tf.tensor4d(image_HWC, [1, imageSize, imageSize, 3]);
    const sums = config.scales.map((scale) => {
      const scaled = atScale(tf, image, imageSize, scale);
      return activationOf(tf, backbone, classifier, params, scaled, tags, config, size);
    });
    return tf.addN(sums);
  });
  return normalise(await take(summed), tags.length);
}

/** A square image at another size, rounded to what every stride divides. */
export function atScale(tf: Tf, image: Tensor4D, imageSize: number, scale: number): Tensor4D {
  const side = Math.max(32, Math.round((imageSize * scale) / 32) * 32);
  return side === imageSize ? image : tf.image.resizeBilinear(image, [side, side], false, true);
}

function activationOf(
  tf: Tf,
  backbone: Backbone,
  classifier: TagClassifier,
  params: Params,
  image: Tensor4D,
  tags: readonly number[],
  { flip, kind }: MethodConfig["cam"],
  size: number,
): Tensor {
  const activation = (x: Tensor4D) => {
    const taps = backbone.taps(x, params);
    if (kind === "grad") return gradActivation(tf, classifier, taps, params, tags);
    return classifier.activation(taps, params, tags);
  };
  const enlarged = (map: Tensor4D) => tf.image.resizeBilinear(map, [size, size], false, true);
  const plain = activation(image);
  if (!flip) return enlarged(plain);
  const mirrored = activation(image.reverse(2));
  return enlarged(plain.add(mirrored.reverse(2)) as Tensor4D);
}

function normalise(cam: Float32Array, channels: number): Float32Array {
  const out = new Float32Array(cam.length);
  for (let k = 0; k < channels; k++) {
    const max = maxOf(channel(cam, channels, k));
    if (max <= 0) continue;
    for (let i = k; i < cam.length; i += channels) out[i] = Math.max(0, cam[i]! / max);
  }
  return out;
}
