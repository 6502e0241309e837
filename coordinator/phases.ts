/** The phases of a run, from its configuration and its data. Pure. */
import { minedRounds } from "../shared/config/rounds.js";
import type { Manifest } from "../shared/data/manifest.js";
import type { RunConfig } from "./config.js";
import { type Phase, planRun, type StagePlan } from "./core/plan.js";

/** `rounds`: fewer than configured where the rounds have ended early. */
export function phasesOf(
  { method, cluster }: Pick<RunConfig, "method" | "cluster">,
  { train, val }: Manifest,
  rounds = method.rounds,
): Phase[] {
  const { classifier, segmenter, mining } = method;
  const planned = ({ steps, microBatches }: { readonly steps: number; readonly microBatches: number }): StagePlan => {
    const { sync, localSteps, localReplicas } = cluster;
    const whole = { steps, leafCount: microBatches };
    return sync === "local"
      ? { ...whole, local: { replicas: localReplicas || microBatches, steps: localSteps } }
      : whole;
  };
  return planRun({
    classifier: planned(classifier),
    mining: { rounds: minedRounds(method), ...planned(mining) },
    segmenter: planned(segmenter),
    rounds,
    trainShards: train.shards.length,
    valShards: hasMasks(val) ? val!.shards.length : 0,
  });
}

/** Without true masks there is nothing to evaluate against. */
function hasMasks(val: Manifest["val"]): boolean {
  return val?.images.some(({ maskDigest }) => maskDigest !== null) ?? false;
}
