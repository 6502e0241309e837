/** Photos of the next shard come while this one is computed. */
import type { SplitName } from "../../shared/data/manifest.js";
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import type { JobContext } from "./context.js";

/**
 * Shards are handed out in order to whoever asks, so that one worker of four gets about every fourth: the next is guessed to be as
 * far from this one as this one is from the last. A wrong guess costs a shard's photos, which stay in the machine's cache.
 */
export class ShardsAhead {
  private pass = "";
  private last: number | null = null;

  /** @param pass what the shards are gone through for, "round 2 refine" */
  next(pass: string, shard: number): number | null {
    const last = this.pass === pass ? this.last : null;
    this.pass = pass;
    this.last = shard;
    return last !== null && shard > last ? 2 * shard - last : null;
  }
}

export function fetchAhead(context: JobContext, { stage, seed, refine, evaluate }: WorkRequest__Output): void {
  const job = seed ?? refine ?? evaluate;
  if (!job) return;
  const split: SplitName = evaluate ? "val" : "train";
  const kind = seed ? "seed" : refine ? "refine" : "evaluate";
  const next = context.ahead.next(`round ${stage?.round} ${kind}`, job.shard);
  const images = next === null ? [] : (context.images.split(split).shards[next] ?? []);
  context.images.loadAhead(split, images);
}
