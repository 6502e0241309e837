/** Connections to the other workers of a run, made when something is first pulled from one. */
import { AppError } from "../../shared/errors.js";
import { peerIdleMs } from "../../shared/limits.js";
import { BulkLink, filling } from "../../shared/net/bulk-line.js";
import { requirePrivate } from "../../shared/net/exposure.js";
import { vectorRequest } from "../../shared/net/peers.js";
import type { Trust } from "../../shared/net/trust.js";
import { peerRoles } from "../access.js";

export interface PeerLinksOptions {
  readonly runId: string;
  readonly trust: Trust | null;
  readonly isInsecure: boolean;
}

/** Numbers of another worker's. */
export interface PeerRange {
  readonly address: string;
  readonly name: string;
  readonly first: number;
  readonly end: number;
}

export class PeerLinks {
  private readonly links = new Map<string, BulkLink>();

  private isClosed = false;

  constructor(private readonly options: PeerLinksOptions) {}

  /**
   * A range, as it is encoded, into `target`, which is as long. Resolves with the bytes that came.
   * @throws AppError when the peer has them not, cannot be reached, or sends nothing for `peerIdleMs`
   */
  async pull({ address, ...range }: PeerRange, target: Uint8Array): Promise<number> {
    const { runId } = this.options;
    await this.link(address).pull(vectorRequest({ runId, ...range }), filling(target));
    return target.length;
  }

  close(): void {
    this.isClosed = true;
    for (const link of this.links.values()) link.close();
    this.links.clear();
  }

  private link(address: string): BulkLink {
    // Nobody would close it any more.
    if (this.isClosed) throw new AppError("INTERRUPTED", "this worker has left the run");
    const known = this.links.get(address);
    if (known) return known;
    const { trust, isInsecure } = this.options;
    requirePrivate({ "a worker at": address }, trust !== null, isInsecure);
    const link = new BulkLink({ address, trust, roles: peerRoles, idleMs: peerIdleMs });
    this.links.set(address, link);
    return link;
  }
}
