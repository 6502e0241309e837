/** The learning rate of a step: linear warm-up, then (1 - progress)^power, the "poly" schedule of DeepLab and DFN. */

export interface ScheduleOptions {
  readonly steps: number;
  readonly learningRate: number;
  readonly warmupSteps: number;
  readonly schedulePower: number;
}

/** `step` counts from 0. Rounded to f32, which hides the last bit of Math.pow, where engines may differ. */
export function learningRateAt(step: number, options: ScheduleOptions): number {
  const { steps, learningRate, warmupSteps, schedulePower } = options;
  const warmth = Math.min(1, (step + 1) / (warmupSteps + 1));
  const progress = Math.min(1, Math.max(0, (step - warmupSteps) / Math.max(1, steps - warmupSteps)));
  return Math.fround(learningRate * warmth * (1 - progress) ** schedulePower);
}
