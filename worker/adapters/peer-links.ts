/** Connections to the other workers of a run, made when something is first pulled from one. */
import { peerIdleMs } from "../../shared/limits.js";
import { BulkLine } from "../../shared/net/bulk-line.js";
import { requirePrivate } from "../../shared/net/exposure.js";
import type { Trust } from "../../shared/net/trust.js";
import { inSpan } from "../../shared/observe/tracing.js";
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
  private readonly lines = new Map<string, BulkLine>();

  constructor(private readonly options: PeerLinksOptions) {}

  /**
   * A range, as it is encoded, into `target`, which is as long. Resolves with the bytes that came.
   * @throws AppError when the peer has them not, cannot be reached, or sends nothing for `peerIdleMs`
   */
  async pull({ address, ...range }: PeerRange, target: Uint8Array): Promise<number> {
    const { runId } = this.options;
    const { name } = range;
    return inSpan("pull from a worker", { peer: address, name, bytes: target.length }, async () => {
      await this.line(address).pull({ runId, ...range }, target);
      return target.length;
    });
  }

  close(): void {
    for (const line of this.lines.values()) line.close();
    this.lines.clear();
  }

  /** A broken line is not used for a worker that comes back on the same port. */
  private line(address: string): BulkLine {
    const known = this.lines.get(address);
    if (known && !known.isBroken) return known;
    const { trust, isInsecure } = this.options;
    requirePrivate({ "a worker at": address }, trust !== null, isInsecure);
    const line = new BulkLine({ address, trust, roles: peerRoles, idleMs: peerIdleMs });
    this.lines.set(address, line);
    return line;
  }
}
