/** The simulated engine: what it calls itself, and its models' layouts. TensorFlow is not loaded. */
import { simulatedFingerprint } from "../../shared/engine-name.js";
import { seedgrowVersion } from "../../shared/version.js";
import type { ComputeSetup, ParamSpec, TrainStage } from "../compute/contract.js";
import type { EngineInfo } from "../compute/messages.js";
import { scratchBackbone } from "../segmentation/backbone/scratch.js";
import { tagClassifier } from "../segmentation/classifier.js";
import { segmenterOf } from "../segmentation/networks/segmenter.js";
import type { Tf } from "../segmentation/tf.js";
import type { SimulatedOptions } from "./options.js";

export function describeSimulated({ imageMs, parameters }: SimulatedOptions): EngineInfo {
  return {
    name: "simulated",
    reason: "asked for: it sleeps instead of computing, and its results are hashes",
    version: `simulated ${seedgrowVersion}`,
    device: `none: ${imageMs} ms per image`,
    fingerprint: simulatedFingerprint(seedgrowVersion, parameters),
  };
}

/**
 * Layout of a stage's parameters. A backbone from a file would need TensorFlow to be looked into: the built-in one stands
 * in for it.
 */
export function specsOf(setup: ComputeSetup, stage: TrainStage, parameters: number): ParamSpec[] {
  if (parameters > 0) return [{ name: "simulated", shape: [parameters], learningRateScale: 1, weightDecay: true }];
  const { method, classes } = setup;
  // Layouts are lists: the networks ask for the engine only when they compute.
  const none = null as unknown as Tf;
  const isFrozen = setup.backbone !== null;
  const rate = stage.model === "classifier" ? Number(!isFrozen) : method.segmenter.backboneRate;
  const fromStride = stage.model === "classifier" ? 4 : method.segmenter.backboneTrainFrom;
  const backbone = scratchBackbone(none, method.scratch, { rate, fromStride });
  const { defs } =
    stage.model === "classifier"
      ? tagClassifier(none, backbone, method.classifier.stride, classes.length)
      : segmenterOf(none, backbone, method, classes.length + 1);
  const own = isFrozen ? defs.filter(({ name }) => !name.startsWith("backbone/")) : defs;
  return own.map(({ name, shape, learningRateScale, weightDecay }) => ({
    name,
    shape,
    learningRateScale,
    weightDecay,
  }));
}
