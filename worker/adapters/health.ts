/**
 * grpc.health.v1, the standard by which probes ask: SERVING while the worker takes work, NOT_SERVING while it drains; the
 * service "live" is SERVING until the end, so that nobody restarts what drains. On the worker's own port for whoever has a certificate, and where `--health` says for probes that have none (Kubernetes).
 */
import * as grpc from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { AppError } from "../../shared/errors.js";
import { listen } from "../../shared/net/rpc.js";

export class WorkerHealth {
  private readonly answers = new HealthImplementation({ "": "SERVING", live: "SERVING" });

  answerOn(server: grpc.Server): void {
    this.answers.addToServer(server);
  }

  drain(): void {
    this.answers.setStatus("", "NOT_SERVING");
  }

  /** @param address host:port, or a port on loopback. Answers nothing else. @throws AppError USAGE, PORT_BUSY */
  async serve(address: string): Promise<() => Promise<void>> {
    const [, host = "127.0.0.1", port = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(address) ?? [];
    if (port === "") throw new AppError("USAGE", `--health ${address}: expected PORT or HOST:PORT`);
    const server = new grpc.Server({ "grpc.max_receive_message_length": 1024 });
    this.answerOn(server);
    await listen(server, `${host}:${port}`, grpc.ServerCredentials.createInsecure());
    return async () => server.forceShutdown();
  }
}
