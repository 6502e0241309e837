/** How a stage is trained, by the method of its round. Pure. */
import type { StageOptions } from "../aggregate/replica.js";
import type { MethodConfig } from "./method.js";
import { methodOfRound } from "./rounds.js";

export interface TrainedStage {
  readonly model: "classifier" | "segmenter";
  /** 0 for the classifier. */
  readonly round: number;
}

export function stageOptions(of: MethodConfig, { model, round }: TrainedStage): StageOptions {
  const method = methodOfRound(of, round);
  const { steps, microBatches, learningRate, weightDecay, warmupSteps, schedulePower } = method[model];
  const emaDecay = model === "classifier" ? 0 : method.segmenter.emaDecay;
  return { steps, learningRate, weightDecay, warmupSteps, schedulePower, emaDecay, leafCount: microBatches };
}
