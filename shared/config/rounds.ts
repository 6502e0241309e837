/**
 * What a round is made of. The first ones mine: a linear classifier of the cells of a larger image, trained on the seeds,
 * says again where the tags are (MCOF's "mining common object features", Wang 2018, section 3.2). It is too weak to learn
 * the seeds' errors by heart, and its features see little beyond their cell, so halos go. The others grow: the
 * segmentation network. Both are the same machinery under another configuration, which is what this file says.
 */
import type { MethodConfig } from "./method.js";

/** At least the last round grows: the result is a segmentation network. */
export function minedRounds({ mining, rounds }: Pick<MethodConfig, "mining" | "rounds">): number {
  return Math.min(mining.rounds, rounds - 1);
}

/** The method as round `round` (1, 2, ...) applies it; 0 is the classifier and the seeds. */
export function methodOfRound(method: MethodConfig, round: number): MethodConfig {
  return round >= 1 && round <= minedRounds(method) ? miningMethod(method) : method;
}

/**
 * Otsu's cut, for a classifier of cells is never sure. Of the guards only that against vanishing: seeds of a small animal
 * are mostly halo, of which less than half is to stay, and a peak of the CAM beside the animal is what mining corrects.
 * Both guards together held 53 and 32 of 180 images back on scenes with several animals.
 */
function miningMethod(method: MethodConfig): MethodConfig {
  const { rounds: _, pamrIterations, stride, ...training } = method.mining;
  const scales = [training.cropSize / method.imageSize];
  return {
    ...method,
    segmenter: {
      ...method.segmenter,
      ...training,
      network: `linear${stride}`,
      loss: "ce",
      softLabels: 0,
      pairwiseWeight: 0,
      borderWeight: 0,
      deepSupervision: 0,
      emaDecay: 0,
      backboneRate: 0,
    },
    refine: {
      ...method.refine,
      shrinkMin: 0,
      anchorMin: 0,
      cut: "otsu",
      updater: "feedback",
      vote: false,
      scales,
      pamrIterations,
      colourWeight: 0,
    },
    finePamr: { ...method.finePamr, iterations: 0 },
    predict: { ...method.predict, scales },
  };
}
