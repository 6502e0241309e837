/** The segmentation network as configured, with what is trained beside it: Border Network and RegionNet. */
import type { MethodConfig } from "../../../shared/config/method.js";
import type { Backbone } from "../backbone/backbone.js";
import { type SegmentationNetwork, smoothNetwork } from "../network.js";
import type { Tf } from "../tf.js";
import { type RegionNet, regionNet } from "../updaters/region-net.js";
import { type BorderNetwork, borderNetwork } from "./border.js";
import { capsuleNetwork } from "./capsule.js";
import { fullyConvolutional } from "./fcn.js";
import { linearNetwork } from "./linear.js";

export interface Segmenter extends SegmentationNetwork {
  /** Null where nothing asks for it: its parameters do not exist then. */
  readonly border: BorderNetwork | null;
  readonly regions: RegionNet | null;
}

export function segmenterOf(tf: Tf, backbone: Backbone, method: MethodConfig, labelCount: number): Segmenter {
  const { segmenter, refine } = method;
  const network = networkOf(tf, backbone, segmenter, labelCount);
  const border = segmenter.borderWeight > 0 ? borderNetwork(tf, backbone, labelCount) : null;
  const regions = refine.updater === "mcof" ? regionNet(tf, backbone, labelCount) : null;
  const defs = [...network.defs, ...(border?.defs ?? []), ...(regions?.defs ?? [])];
  return { ...network, defs, border, regions };
}

function networkOf(
  tf: Tf,
  backbone: Backbone,
  config: MethodConfig["segmenter"],
  labelCount: number,
): SegmentationNetwork {
  switch (config.network) {
    case "dfn":
      return smoothNetwork(tf, backbone, config, labelCount);
    case "fcn32":
      return fullyConvolutional(tf, backbone, config, labelCount, 32);
    case "fcn16":
      return fullyConvolutional(tf, backbone, config, labelCount, 16);
    case "fcn8":
      return fullyConvolutional(tf, backbone, config, labelCount, 8);
    case "linear32":
      return linearNetwork(tf, backbone, labelCount, 32);
    case "linear16":
      return linearNetwork(tf, backbone, labelCount, 16);
    case "linear8":
      return linearNetwork(tf, backbone, labelCount, 8);
    case "capsule":
      return capsuleNetwork(tf, backbone, config.channels, labelCount);
  }
}
