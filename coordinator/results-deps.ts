/** What results of a run are made with, and who hears of them. */
import type { Digest } from "../shared/codec/digest.js";
import type { Manifest } from "../shared/data/manifest.js";
import type { StageRecord } from "../shared/data/run-record.js";
import type { RunStore } from "./adapters/run-store.js";
import type { Scratch } from "./adapters/scratch.js";
import type { RunConfig } from "./config.js";
import type { Phase } from "./core/plan.js";
import type { CorrectionsDeps } from "./round-corrections.js";
import type { ShardedDeps } from "./sharded-training.js";

export interface ResultsDeps extends CorrectionsDeps, ShardedDeps {
  readonly config: RunConfig;
  readonly manifest: Manifest;
  readonly store: RunStore;
  /** Where gradients and moments lie that are too many for memory. */
  readonly scratch: Scratch;
  /** Broadcasts a label version's packs to the workers. */
  readonly broadcast: (
    version: number,
    catalogueDigest: Digest,
    packs: { digest: Digest; bytes: Uint8Array }[],
  ) => Promise<void>;
  readonly nowMs: () => number;
  readonly onStep: (phase: Phase, step: number, loss: number) => void;
  readonly onStage: (record: StageRecord) => void;
  /** A mining round's labels are not taken. */
  readonly onRefused: (record: { readonly round: number; readonly reason: string }) => void;
  /** A checkpoint is torn or altered: the one before it is taken. */
  readonly onDamaged: (name: string) => void;
}
