/** A nats-server that can be killed, and started again at the same port, with its data or without. */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { findNatsServer } from "../../shared/tool-paths.js";
import { freePort } from "../support/ports.js";
import { kill } from "../support/processes.js";
import { until } from "../support/until.js";

export class Broker {
  private child: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly dir: string,
  ) {}

  static async start(dir: string): Promise<Broker> {
    const broker = new Broker(await freePort(), dir);
    await broker.start();
    return broker;
  }

  get pid(): number {
    return this.child!.pid!;
  }

  async start(): Promise<void> {
    const program = findNatsServer(process.env);
    if (!program) throw new Error("no nats-server: run ./deploy/setup.sh");
    const args = ["-a", "127.0.0.1", "-p", String(this.port), "-js", "-sd", this.dir];
    this.child = spawn(program, args, { stdio: "ignore" });
    await until("nats-server to listen", () => this.answers(), 15_000);
  }

  async kill(): Promise<void> {
    const child = this.child!;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    kill(child.pid!);
    await gone;
  }

  forget(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** For the end of a test that may have left it dead. */
  stop(): void {
    if (this.child && this.child.exitCode === null && this.child.signalCode === null) kill(this.child.pid!);
  }

  private answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1", () => resolve(true)).on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
  }
}
