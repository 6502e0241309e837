/**
 * Fully convolutional networks (Long, Shelhamer and Darrell, CVPR 2015): class scores at stride 32, enlarged; FCN-16s
 * and FCN-8s add scores of the finer taps on the way. Skip layers start at zero, as in the paper: FCN-16s starts out as
 * FCN-32s. The baseline every decoder has to beat.
 *
 * Differences: fc6 and fc7 are a 3x3 and a 1x1 convolution of `channels` with group norm, not 4096 wide; enlargement is
 * bilinear and fixed, where the paper starts from bilinear and hardly moves.
 */
import type { MethodConfig } from "../../../shared/config/method.js";
import type { Backbone } from "../backbone/backbone.js";
import type { SegmentationNetwork } from "../network.js";
import { conv, convDef, head, headDefs, norm, normDefs } from "../nn/conv.js";
import { upsample } from "../nn/upsample.js";
import type { ParamDef } from "../params.js";
import { constant } from "../params.js";
import type { Tensor4D, Tf } from "../tf.js";

/** `stride`: of the finest scores; 32, 16 or 8. */
export function fullyConvolutional(
  tf: Tf,
  backbone: Backbone,
  { channels }: Pick<MethodConfig["segmenter"], "channels">,
  labelCount: number,
  stride: 32 | 16 | 8,
): SegmentationNetwork {
  /** Coarse to fine; indices of the taps below stride 32 that have a skip. */
  const skips = [2, 1].filter((tap) => 4 * 2 ** tap >= stride);
  return {
    defs: [
      ...backbone.defs,
      convDef("fcn/6", 3, backbone.channels[3]!, channels),
      ...normDefs("fcn/6", channels),
      convDef("fcn/7", 1, channels, channels),
      ...normDefs("fcn/7", channels),
      ...headDefs("fcn/score", channels, labelCount),
      ...skips.flatMap((tap) => skipDefs(`fcn/skip${tap}`, backbone.channels[tap]!, labelCount)),
    ],
    logits: (taps, params) => {
      const wide = norm(tf, conv(tf, taps[3]!, params, "fcn/6"), params, "fcn/6", true);
      const deep = norm(tf, conv(tf, wide, params, "fcn/7"), params, "fcn/7", true);
      let scores = head(tf, deep, params, "fcn/score");
      for (const tap of skips) {
        const [, h, w] = taps[tap]!.shape;
        const skip = head(tf, taps[tap]!, params, `fcn/skip${tap}`);
        scores = upsample(tf, scores, h, w).add(skip) as Tensor4D;
      }
      return [scores];
    },
  };
}

function skipDefs(name: string, from: number, labelCount: number): ParamDef[] {
  const kernel = { ...convDef(name, 1, from, labelCount), start: { constant: 0 } };
  return [kernel, constant(`${name}/bias`, labelCount, 0)];
}
