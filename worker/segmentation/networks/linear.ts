/** The least a segmentation network can be: every cell of one tap, classified by itself. What the mining rounds train. */
import { type Backbone, tapStrides } from "../backbone/backbone.js";
import type { SegmentationNetwork } from "../network.js";
import { head, headDefs } from "../nn/conv.js";
import type { Tf } from "../tf.js";

export function linearNetwork(
  tf: Tf,
  backbone: Backbone,
  labelCount: number,
  stride: (typeof tapStrides)[number],
): SegmentationNetwork {
  const tap = tapStrides.indexOf(stride);
  return {
    defs: [...backbone.defs, ...headDefs("linear", backbone.channels[tap]!, labelCount)],
    logits: (taps, params) => [head(tf, taps[tap]!, params, "linear")],
  };
}
