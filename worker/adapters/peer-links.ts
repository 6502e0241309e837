/** Connections to the other workers of a run, made when something is first pulled from one. */
import type { PeersClient } from "../../shared/gen/seedgrow/v1/Peers.js";
import { clientSecurity } from "../../shared/net/credentials.js";
import { requirePrivate } from "../../shared/net/exposure.js";
import { pullVector } from "../../shared/net/peers.js";
import { Peers } from "../../shared/net/proto.js";
import type { Trust } from "../../shared/net/trust.js";

export interface PeerLinksOptions {
  readonly runId: string;
  readonly trust: Trust | null;
  readonly isInsecure: boolean;
  readonly signal: AbortSignal;
}

/** Numbers of another worker's. */
export interface PeerRange {
  readonly address: string;
  readonly name: string;
  readonly first: number;
  readonly end: number;
}

export class PeerLinks {
  private readonly clients = new Map<string, PeersClient>();

  constructor(private readonly options: PeerLinksOptions) {}

  /** Resolves with the bytes that came. Throws when the peer has them not or cannot be reached. */
  async pull({ address, ...range }: PeerRange, target: Uint8Array): Promise<number> {
    const { runId, signal } = this.options;
    try {
      return await pullVector(this.client(address), { runId, ...range }, target, signal);
    } catch (error) {
      // A dead connection must not be shared with a worker that comes back on the same port.
      this.clients.get(address)?.close();
      this.clients.delete(address);
      throw error;
    }
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private client(address: string): PeersClient {
    const known = this.clients.get(address);
    if (known) return known;
    const { trust, isInsecure } = this.options;
    requirePrivate({ "a worker at": address }, trust !== null, isInsecure);
    // Workers of --local on a cluster's bus use the coordinator's own certificate.
    const { credentials, options } = clientSecurity(trust, ["worker", "coordinator"], address);
    const client = new Peers(address, credentials, { ...options, "grpc.use_local_subchannel_pool": 1 });
    this.clients.set(address, client);
    return client;
  }
}
