/** A TCP link that can be made slow, narrow, deaf or broken while it carries traffic. */
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface LinkState {
  /** Added to every piece of data, each way, milliseconds. */
  readonly delayMs: number;
  /** Each way and connection; 0: unlimited. */
  readonly bytesPerSecond: number;
  /** down: connections are reset and new ones refused. deaf: they stay open and carry nothing (a cable pulled out). */
  readonly condition: "up" | "deaf" | "down";
}

export const healthy: LinkState = { delayMs: 0, bytesPerSecond: 0, condition: "up" };

export class LinkProxy {
  private state: LinkState = healthy;
  private readonly sockets = new Set<Socket>();
  private woken: (() => void)[] = [];

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(targetPort: number): Promise<LinkProxy> {
    const { connect } = await import("node:net");
    let proxy: LinkProxy | null = null;
    const server = createServer((near) => {
      if (!proxy || proxy.state.condition === "down") {
        near.resetAndDestroy();
        return;
      }
      proxy.join(near, connect(targetPort, "127.0.0.1"));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    proxy = new LinkProxy(server, (server.address() as { port: number }).port);
    return proxy;
  }

  set(state: Partial<LinkState>): void {
    this.state = { ...healthy, ...state };
    if (this.state.condition === "down") for (const socket of this.sockets) socket.resetAndDestroy();
    for (const wake of this.woken) wake();
    this.woken = [];
  }

  close(): void {
    this.set({ condition: "down" });
    this.server.close();
  }

  private join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => to.destroy());
      from.on("close", () => {
        this.sockets.delete(from);
        to.destroy();
      });
      void this.carry(from, to);
    }
  }

  /** Pieces in order, each as late as the link is now. */
  private async carry(from: Socket, to: Socket): Promise<void> {
    let queue = Promise.resolve();
    from.on("data", (data) => {
      const { delayMs } = this.state;
      const dueMs = performance.now() + delayMs;
      from.pause();
      queue = queue.then(() => this.pass(data, to, dueMs)).then(() => void from.resume());
    });
    from.on("end", () => {
      queue = queue.then(() => void to.end());
    });
  }

  private async pass(data: Buffer, to: Socket, dueMs: number): Promise<void> {
    const waitMs = dueMs - performance.now();
    if (waitMs > 1) await pause(waitMs);
    while (this.state.condition === "deaf") await new Promise<void>((resolve) => this.woken.push(resolve));
    const { bytesPerSecond } = this.state;
    if (bytesPerSecond > 0) await pause((data.length / bytesPerSecond) * 1_000);
    if (!to.destroyed) to.write(data);
  }
}
