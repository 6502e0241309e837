/**
 * Workers that nobody can dial call us (proto/seedgrow/v1/tunnel.proto); here their calls become addresses: a unix socket
 * per worker, in a folder that only we may enter.
 */
import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { AppError } from "../../shared/errors.js";
import type { TunnelHandlers } from "../../shared/gen/seedgrow/v1/Tunnel.js";
import { tunnelTimeoutMs } from "../../shared/limits.js";
import { identityOf } from "../../shared/net/identity.js";
import { TunnelEnd, tunnelWorkerKey } from "../../shared/net/tunnel.js";

/** How to reach a worker through its call. */
export interface Reached {
  /** For a gRPC client. */
  readonly address: string;
  /** Of the certificate that the caller showed: whoever answers must have the same. Undefined: none, in the clear. */
  readonly serial: string | undefined;
}

interface Caller {
  readonly end: TunnelEnd;
  readonly serial: string | undefined;
}

export class Tunnels {
  private readonly callers = new Map<string, Caller>();
  private readonly arrivals = new EventEmitter().setMaxListeners(0);
  private readonly closing = new AbortController();
  private readonly servers = new Map<string, { readonly server: Server; readonly address: string }>();
  private readonly sockets = new Set<Socket>();
  private connections = 0;

  private constructor(
    private readonly dir: string,
    private readonly timeoutMs: number,
  ) {}

  static async open(timeoutMs = tunnelTimeoutMs): Promise<Tunnels> {
    // Short: the path of a unix socket has a hundred bytes.
    return new Tunnels(await mkdtemp(join(tmpdir(), "seedgrow-")), timeoutMs);
  }

  handlers(): TunnelHandlers {
    return { Open: (call) => this.answer(call) };
  }

  /** Waits for the worker's call where it is not there yet. @throws AppError PEER_UNREACHABLE when none comes. */
  async reach(workerId: string): Promise<Reached> {
    const { serial } = this.callers.get(workerId) ?? (await this.arrival(workerId));
    return { address: await this.addressFor(workerId), serial };
  }

  async close(): Promise<void> {
    this.closing.abort();
    for (const { end } of this.callers.values()) end.close();
    for (const socket of this.sockets) socket.destroy();
    const closing = [...this.servers.values()].map(({ server }) => new Promise((resolve) => server.close(resolve)));
    await Promise.all(closing);
    await rm(this.dir, { recursive: true, force: true });
  }

  private answer(call: Parameters<TunnelHandlers["Open"]>[0]): void {
    const workerId = String(call.metadata.get(tunnelWorkerKey)[0] ?? "");
    if (workerId === "") {
      call.emit("error", { code: grpc.status.INVALID_ARGUMENT, details: `no ${tunnelWorkerKey} in the metadata` });
      return;
    }
    const peer = call.getAuthContext().sslPeerCertificate;
    const serial = peer && identityOf(peer)?.serial;
    const caller = { end: new TunnelEnd(call, null), serial };
    this.callers.get(workerId)?.end.close();
    this.callers.set(workerId, caller);
    void caller.end.closed.then(() => {
      if (this.callers.get(workerId) === caller) this.callers.delete(workerId);
    });
    this.arrivals.emit(arrivalOf(workerId), caller);
  }

  private async arrival(workerId: string): Promise<Caller> {
    const signal = AbortSignal.any([AbortSignal.timeout(this.timeoutMs), this.closing.signal]);
    try {
      const [caller] = await once(this.arrivals, arrivalOf(workerId), { signal });
      return caller as Caller;
    } catch (cause) {
      const message = `${workerId} cannot be dialled, and has not called within ${this.timeoutMs / 1000} s`;
      const hint = "Can it reach the coordinator's cluster.listen (cluster.advertise)? Its log says what it tried.";
      throw new AppError("PEER_UNREACHABLE", message, { hint, cause });
    }
  }

  private async addressFor(workerId: string): Promise<string> {
    const known = this.servers.get(workerId);
    if (known) return known.address;
    const path = join(this.dir, `${this.servers.size}`);
    const server = createServer((socket) => this.connect(workerId, socket));
    const address = `unix:${path}`;
    this.servers.set(workerId, { server, address });
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
    return address;
  }

  private connect(workerId: string, socket: Socket): void {
    const caller = this.callers.get(workerId);
    if (!caller) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket));
    caller.end.carry(this.connections++, socket);
  }
}

/** Never "error", which emitters treat in their own way. */
function arrivalOf(workerId: string): string {
  return `called ${workerId}`;
}
