/** Gets a blob from the nearest place that has it: memory of the run, disk cache, the bus's object store, the coordinator. */
import type { Digest } from "../../shared/codec/digest.js";
import { sha256 } from "../../shared/codec/digest.js";
import { type BlobPeer, pullBlob } from "../../shared/net/blob-lines.js";
import type { PullOptions } from "../../shared/net/blobs.js";
import type { BlobCache } from "./blob-cache.js";

/** Label packs by digest; null when the store does not hold it or cannot be reached. */
export interface PackStore {
  get(digest: Digest): Promise<Uint8Array | null>;
}

export class Fetcher {
  private readonly underway = new Map<Digest, Promise<Uint8Array>>();

  constructor(
    private readonly coordinator: BlobPeer,
    /** The coordinator again: what comes on this line does not wait for parameters, nor they for it. */
    private readonly files: BlobPeer,
    private readonly cache: BlobCache,
    private readonly packs: PackStore,
    private readonly signal: AbortSignal,
  ) {}

  /** Straight from the coordinator, kept by nobody: weights, which are new with every step. `room`: see PullOptions. */
  async pull(digest: Digest, room?: PullOptions["room"]): Promise<Uint8Array> {
    return pullBlob(this.coordinator, digest, { signal: this.signal, room });
  }

  /**
   * From the disk cache, else into it: from `elsewhere` where that has it, or from the coordinator. Photos, masks, the
   * backbone.
   */
  async cached(digest: Digest, elsewhere?: () => Promise<Uint8Array | null>): Promise<Uint8Array> {
    return this.once(digest, async () => {
      const held = await this.cache.get(digest);
      if (held) return held;
      const found = elsewhere && (await elsewhere());
      const { signal } = this;
      const bytes = found && sha256(found) === digest ? found : await pullBlob(this.files, digest, { signal });
      await this.cache.put(digest, bytes);
      return bytes;
    });
  }

  /** A label pack: broadcast through the bus, with the coordinator as the second choice. */
  async pack(digest: Digest): Promise<Uint8Array> {
    return this.once(digest, async () => {
      const broadcast = await this.packs.get(digest);
      return broadcast && sha256(broadcast) === digest ? broadcast : this.pull(digest);
    });
  }

  /** Callers that want the same blob at the same time share one transfer. */
  private once(digest: Digest, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const running = this.underway.get(digest);
    if (running) return running;
    const started = fetch().finally(() => this.underway.delete(digest));
    this.underway.set(digest, started);
    return started;
  }
}
