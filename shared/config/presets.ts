/** Named overrides of the method's defaults. They lie below a user's config file, environment and --set. */
import type { MethodOverrides } from "./method.js";

/**
 * Applied when no backbone is given: the built-in network learns everything from the tags, so it trains longer, on
 * smaller images, and its CAM looks at stride 8, where a small image still has enough cells.
 */
export const scratchMethod = {
  imageSize: 128,
  classifier: { steps: 600, microBatchSize: 8, warmupSteps: 20, cropSize: 128, stride: 8 },
  cam: { scales: [1, 1.5, 2] },
  rounds: 4,
  mining: { rounds: 0 },
  segmenter: { steps: 200, microBatchSize: 4, cropSize: 96, channels: 32, backboneRate: 0.3 },
} satisfies MethodOverrides;

/**
 * `seedgrow demo`: 160 synthetic savannas, from nothing to masks in minutes on two cores. Two large micro-batches per
 * step, since so small a network spends its time on calls rather than on arithmetic.
 */
export const demoMethod = {
  ...scratchMethod,
  rounds: 3,
  classifier: { ...scratchMethod.classifier, steps: 160, microBatches: 2, microBatchSize: 16 },
  segmenter: { ...scratchMethod.segmenter, steps: 100, microBatches: 2, microBatchSize: 8 },
} satisfies MethodOverrides;

/**
 * `--quick`: a first look in minutes, at some cost in quality. Without a backbone it is what the demo does; with one, a
 * third of the updates: the head is small, and most of the gain comes in the first rounds.
 */
export const quickMethods = {
  scratch: demoMethod,
  pretrained: { rounds: 2, classifier: { steps: 100 }, mining: { rounds: 1, steps: 60 }, segmenter: { steps: 80 } },
} satisfies Record<string, MethodOverrides>;
