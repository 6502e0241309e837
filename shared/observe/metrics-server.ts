/** GET /metrics in Prometheus' text format. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Registry } from "prom-client";
import { AppError } from "../errors.js";

export interface MetricsServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** @param listen host:port, or a port on loopback. @throws AppError USAGE, PORT_BUSY */
export async function serveMetrics(registry: Registry, listen: string): Promise<MetricsServer> {
  const [, host = "127.0.0.1", port = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(listen) ?? [];
  if (port === "") throw new AppError("USAGE", `--metrics ${listen}: expected PORT or HOST:PORT`);
  const server = createServer((request, response) => {
    if (request.url !== "/metrics") {
      response.writeHead(404).end("metrics are at /metrics\n");
      return;
    }
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const hint = "Choose another --metrics, or port 0 for a free one.";
      reject(new AppError("PORT_BUSY", `cannot listen on ${listen} for metrics`, { hint, cause }));
    });
    server.listen(Number(port), host, resolve);
  });
  // Whoever asks must not keep the process alive.
  server.unref();
  const bound = (server.address() as AddressInfo).port;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve())).finally(() => undefined);
  return {
    url: `http://${host}:${bound}/metrics`,
    close: async () => {
      server.closeAllConnections();
      await close();
    },
  };
}
