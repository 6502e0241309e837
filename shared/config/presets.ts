/** Named overrides of the method's defaults. They lie below a user's config file, environment and --set. */
import type { MethodOverrides } from "./method.js";

/** Applied when no backbone is given: the built-in network has to learn everything, at a small image size. */
export const scratchMethod: MethodOverrides = {
  imageSize: 128,
  classifier: { steps: 240, learningRate: 3e-3, weightDecay: 1e-2, warmupSteps: 20, cropSize: 96, stride: 8 },
  cam: { scales: [1, 1.5, 2] },
  segmenter: { cropSize: 96, channels: 32, steps: 120, backboneRate: 0.3 },
  pamr: { size: 128 },
};

/** `seedgrow demo`: synthetic savannas on a laptop, from nothing to masks in minutes. */
export const demoMethod: MethodOverrides = {
  ...scratchMethod,
  rounds: 3,
};
