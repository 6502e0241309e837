/** GET /metrics in Prometheus' text format; with certificates over mutual TLS, for any role of the cluster. */
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Registry } from "prom-client";
import { AppError } from "../errors.js";
import { requirePrivate } from "../net/exposure.js";
import { roles } from "../net/identity.js";
import { problemWith, type Trust } from "../net/trust.js";

export interface MetricsServer {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export interface MetricsSecurity {
  readonly trust: Trust | null;
  readonly isInsecure: boolean;
}

/** @param listen host:port, or a port on loopback. @throws AppError USAGE, PORT_BUSY, INSECURE_ADDRESS */
export async function serveMetrics(
  registry: Registry,
  listen: string,
  { trust, isInsecure }: MetricsSecurity = { trust: null, isInsecure: false },
): Promise<MetricsServer> {
  const [, host = "127.0.0.1", port = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(listen) ?? [];
  if (port === "") throw new AppError("USAGE", `--metrics ${listen}: expected PORT or HOST:PORT`);
  requirePrivate({ "--metrics": `${host}:${port}` }, trust !== null, isInsecure);
  const server = openServer(trust, (request, response) => {
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
    url: `${trust ? "https" : "http"}://${host}:${bound}/metrics`,
    close: async () => {
      server.closeAllConnections();
      await close();
    },
  };
}

function openServer(trust: Trust | null, answer: RequestListener): Server {
  if (!trust) return createServer(answer);
  const { ca, cert, key } = trust;
  return createTlsServer({ ca, cert, key, requestCert: true, minVersion: "TLSv1.3" }, (request, response) => {
    const problem = problemWith(trust, (request.socket as TLSSocket).getPeerCertificate(), roles);
    if (problem) response.writeHead(403).end(`${problem.message}\n`);
    else answer(request, response);
  });
}
