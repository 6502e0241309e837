/** One end of a tunnel (proto/seedgrow/v1/tunnel.proto): carries sockets over the frames of one gRPC call. */
import type { Socket } from "node:net";
import type * as grpc from "@grpc/grpc-js";
import type { Frame, Frame__Output } from "../gen/seedgrow/v1/Frame.js";

/** What a worker that cannot be dialled advertises instead of host:port. */
export const tunnelAddress = "tunnel";
export const tunnelWorkerKey = "worker-id";

export type TunnelCall = grpc.ClientDuplexStream<Frame, Frame__Output> | grpc.ServerDuplexStream<Frame__Output, Frame>;

/**
 * A slow reader must hold up its sender, not fill our memory: a socket is not read while the call is full, and the call
 * is not read while a socket is. Connections share that fate, as they share the line.
 */
export class TunnelEnd {
  private readonly sockets = new Map<number, Socket>();
  private isClosed = false;
  /** Resolves when the call has ended; its connections have, too. */
  readonly closed: Promise<void>;

  /** `dial`: opens our end of a connection that the other side began; null: it may not begin any. */
  constructor(
    private readonly call: TunnelCall,
    private readonly dial: (() => Socket) | null,
  ) {
    this.closed = new Promise((resolve) => {
      const over = () => {
        this.close();
        resolve();
      };
      for (const event of ["end", "error", "close", "cancelled"]) call.on(event, over);
    });
    call.on("data", (frame: Frame__Output) => this.take(frame));
    call.on("drain", () => {
      for (const socket of this.sockets.values()) socket.resume();
    });
  }

  /** From now on what the socket reads goes to the other side. */
  carry(connection: number, socket: Socket): void {
    if (this.isClosed) {
      socket.destroy();
      return;
    }
    this.sockets.set(connection, socket);
    socket.setNoDelay(true);
    socket.on("data", (data) => this.send({ connection, data }));
    // What goes wrong with a connection is seen by those who speak over it.
    socket.on("error", () => undefined);
    socket.on("drain", () => this.call.resume());
    socket.on("close", () => {
      this.call.resume();
      if (this.sockets.delete(connection)) this.send({ connection, end: true });
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    const open = [...this.sockets.values()];
    this.sockets.clear();
    for (const socket of open) socket.destroy();
    this.call.end();
  }

  private take({ connection, data, end }: Frame__Output): void {
    let socket = this.sockets.get(connection);
    if (!socket && !end && this.dial) {
      socket = this.dial();
      this.carry(connection, socket);
    }
    if (!socket) return;
    if (data.length > 0 && !socket.write(data)) this.call.pause();
    if (!end) return;
    this.sockets.delete(connection);
    socket.end();
  }

  private send(frame: Frame): void {
    if (this.isClosed || this.call.write(frame)) return;
    for (const socket of this.sockets.values()) socket.pause();
  }
}
