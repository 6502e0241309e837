/**
 * For a worker that nobody can dial: calls the coordinator whose lease it reads on the bus, and keeps calling for as long
 * as the lease is renewed.
 */
import { connect } from "node:net";
import * as grpc from "@grpc/grpc-js";
import type { TunnelClient } from "../../shared/gen/seedgrow/v1/Tunnel.js";
import { clientSecurity } from "../../shared/net/credentials.js";
import { hostOf, portOf, requirePrivate } from "../../shared/net/exposure.js";
import { Tunnel } from "../../shared/net/proto.js";
import type { Trust } from "../../shared/net/trust.js";
import { TunnelEnd, tunnelWorkerKey } from "../../shared/net/tunnel.js";

export interface CallHomeOptions {
  readonly workerId: string;
  /** host:port of our own gRPC server. */
  readonly ownAddress: string;
  readonly trust: Trust | null;
  readonly isInsecure: boolean;
  readonly log: (message: string, fields: Record<string, unknown>) => void;
}

export class CallHome {
  private current: { readonly address: string; readonly end: TunnelEnd; readonly client: TunnelClient } | null = null;

  constructor(private readonly options: CallHomeOptions) {}

  /** A coordinator at this address has taken our lease, or renewed it. */
  hear(address: string): void {
    if (this.current?.address === address) return;
    this.close();
    const { trust, isInsecure, workerId, log } = this.options;
    try {
      requirePrivate({ "the coordinator": address }, trust !== null, isInsecure);
    } catch (error) {
      log("cannot call the coordinator", { address, reason: String(error) });
      return;
    }
    const { credentials, options } = clientSecurity(trust, ["coordinator"], address);
    // A dead connection to an earlier coordinator must not be shared with one that came back on the same port.
    const client = new Tunnel(address, credentials, { ...options, "grpc.use_local_subchannel_pool": 1 });
    const metadata = new grpc.Metadata();
    metadata.set(tunnelWorkerKey, workerId);
    const call = client.Open(metadata);
    call.on("error", (error) => log("the call to the coordinator ended", { address, reason: error.message }));
    const end = new TunnelEnd(call, () => this.dialSelf());
    const mine = { address, end, client };
    this.current = mine;
    log("calling the coordinator", { address });
    void end.closed.then(() => {
      client.close();
      // The next renewal of the lease calls again.
      if (this.current === mine) this.current = null;
    });
  }

  close(): void {
    const before = this.current;
    this.current = null;
    before?.end.close();
    before?.client.close();
  }

  private dialSelf() {
    const { ownAddress } = this.options;
    const host = hostOf(ownAddress)
      .replace(/^0\.0\.0\.0$/, "127.0.0.1")
      .replace(/^::$/, "::1");
    return connect(portOf(ownAddress), host);
  }
}
