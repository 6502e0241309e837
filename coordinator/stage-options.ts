/** How a phase of training is trained, by the method of its round. Pure. */
import type { MethodConfig } from "../shared/config/method.js";
import { methodOfRound } from "../shared/config/rounds.js";
import type { Phase } from "./core/plan.js";
import type { StageOptions } from "./training.js";

export function stageOptions(of: MethodConfig, phase: Phase): StageOptions {
  const method = methodOfRound(of, phase.round);
  const isClassifier = phase.kind === "classify";
  const { steps, microBatches, learningRate, weightDecay, warmupSteps, schedulePower } = isClassifier
    ? method.classifier
    : method.segmenter;
  const emaDecay = isClassifier ? 0 : method.segmenter.emaDecay;
  return { steps, learningRate, weightDecay, warmupSteps, schedulePower, emaDecay, leafCount: microBatches };
}
