/** What a person has corrected, as one round sees it: bound when the round begins; later corrections wait for the next. */
import type { Digest } from "../shared/codec/digest.js";
import { AppError } from "../shared/errors.js";
import type { MemoryBlobs } from "../shared/net/blobs.js";
import type { CorrectionsStore, RoundFiles } from "./adapters/corrections-store.js";

export interface CorrectionsDeps {
  readonly blobs: MemoryBlobs;
  readonly corrections: CorrectionsStore;
  /** A round begins with corrections, or with none because they cannot be read. */
  readonly onCorrections: (record: { readonly round: number; readonly [field: string]: unknown }) => void;
}

export class RoundCorrections {
  /** Of the round that is under way; empty: nothing is corrected. */
  digest: Digest = "";

  constructor(
    private readonly deps: CorrectionsDeps,
    private readonly imageSize: number,
  ) {}

  async begin(round: number): Promise<void> {
    const { corrections, onCorrections } = this.deps;
    try {
      const taken = await corrections.takeRound(round, this.imageSize);
      this.hold(taken?.files ?? null);
      if (taken) onCorrections({ round, digest: this.digest, ...taken.counts });
    } catch (error) {
      const { code, message } = AppError.from(error);
      if (code !== "CORRECTIONS_INVALID") throw error;
      this.hold(null);
      onCorrections({ round, refused: message });
    }
  }

  /** Of a round that an earlier sitting began. */
  async goOn(round: number): Promise<void> {
    this.hold(await this.deps.corrections.readRound(round));
  }

  private hold(files: RoundFiles | null): void {
    if (files) this.deps.blobs.put(files.pack);
    this.digest = files ? this.deps.blobs.put(files.catalogue) : "";
  }
}
