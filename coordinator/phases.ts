/** The phases of a run, from its configuration and its data. Pure. */
import type { MethodConfig } from "../shared/config/method.js";
import { minedRounds } from "../shared/config/rounds.js";
import type { Manifest } from "../shared/data/manifest.js";
import { type Phase, planRun } from "./core/plan.js";

/** `rounds`: fewer than configured where the rounds have ended early. */
export function phasesOf(method: MethodConfig, { train, val }: Manifest, rounds = method.rounds): Phase[] {
  const { classifier, segmenter, mining } = method;
  return planRun({
    classifier: { steps: classifier.steps, leafCount: classifier.microBatches },
    mining: { rounds: minedRounds(method), steps: mining.steps, leafCount: mining.microBatches },
    segmenter: { steps: segmenter.steps, leafCount: segmenter.microBatches },
    rounds,
    trainShards: train.shards.length,
    valShards: hasMasks(val) ? val!.shards.length : 0,
  });
}

/** Without true masks there is nothing to evaluate against. */
function hasMasks(val: Manifest["val"]): boolean {
  return val?.images.some(({ maskDigest }) => maskDigest !== null) ?? false;
}
