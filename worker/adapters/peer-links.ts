/** Connections to the other workers of a run, made when something is first pulled from one. */
import { AppError } from "../../shared/errors.js";
import { peerIdleMs } from "../../shared/limits.js";
import { BulkLink, filling } from "../../shared/net/bulk-line.js";
import { requirePrivate } from "../../shared/net/exposure.js";
import { comingRequest, vectorRequest } from "../../shared/net/peers.js";
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

/** Lines on which others may be waited for. */
export interface AheadLines {
  /** A range that the peer may still be computing: waits for it, unless hastened, for as long as the line lasts. */
  pull(range: PeerRange, target: Uint8Array): Promise<number>;
  /** What is owed from there must come now: after a silence of `peerIdleMs` it has failed. */
  hasten(address: string): void;
  /** What is owed from there is not waited for any more, and has failed; nothing is written to a target from here on. */
  drop(address: string): void;
}

export class PeerLinks {
  private readonly links = new Map<string, BulkLink>();
  /** A line answers in the order in which it is asked: what must not wait has lines of its own. */
  private readonly aheadLinks = new Map<string, BulkLink>();

  private isClosed = false;

  constructor(private readonly options: PeerLinksOptions) {}

  /**
   * A range, as it is encoded, into `target`, which is as long. Resolves with the bytes that came.
   * @throws AppError when the peer has them not, cannot be reached, or sends nothing for `peerIdleMs`
   */
  async pull({ address, ...range }: PeerRange, target: Uint8Array): Promise<number> {
    const { runId } = this.options;
    await this.link(address, this.links).pull(vectorRequest({ runId, ...range }), filling(target));
    return target.length;
  }

  readonly ahead: AheadLines = {
    pull: async ({ address, ...range }, target) => {
      const { runId } = this.options;
      await this.link(address, this.aheadLinks).pull(comingRequest({ runId, ...range }), filling(target));
      return target.length;
    },
    hasten: (address) => this.aheadLinks.get(address)?.hasten(peerIdleMs),
    drop: (address) => {
      this.aheadLinks.get(address)?.close();
      this.aheadLinks.delete(address);
    },
  };

  close(): void {
    this.isClosed = true;
    for (const links of [this.links, this.aheadLinks]) {
      for (const link of links.values()) link.close();
      links.clear();
    }
  }

  private link(address: string, links: Map<string, BulkLink>): BulkLink {
    // Nobody would close it any more.
    if (this.isClosed) throw new AppError("INTERRUPTED", "this worker has left the run");
    const known = links.get(address);
    if (known) return known;
    const { trust, isInsecure } = this.options;
    requirePrivate({ "a worker at": address }, trust !== null, isInsecure);
    const idleMs = links === this.links ? peerIdleMs : 0;
    const link = new BulkLink({ address, trust, roles: peerRoles, idleMs });
    links.set(address, link);
    return link;
  }
}
