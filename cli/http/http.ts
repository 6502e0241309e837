/**
 * A small HTTP server on this machine for the pages of `serve` and `dashboard`: a table of routes, errors as JSON with
 * stable codes, and nothing that a page from elsewhere could reach.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { AppError } from "../../shared/errors.js";
import { isLoopback } from "../../shared/net/exposure.js";
import { admit, type Gate, openGate, sendAgain } from "./gate.js";

export class HttpError extends Error {
  constructor(
    readonly status: number,
    /** Stable; programs may compare it. */
    readonly code: string,
    message: string,
    readonly hint = "",
  ) {
    super(message);
    this.name = "HttpError";
  }
}

export interface HttpRequest {
  readonly raw: IncomingMessage;
  readonly url: URL;
  /** What the route's pattern captured. */
  readonly params: readonly string[];
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT";
  /** Matched against the whole path, which is decoded by nobody before that. */
  readonly path: RegExp;
  readonly handle: (request: HttpRequest, response: ServerResponse) => Promise<void> | void;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly routes: readonly Route[];
  /** Default: for loopback. */
  readonly gate?: Gate;
}

export interface Listening {
  readonly url: string;
  readonly close: () => Promise<void>;
}

/** A photo of 32 MiB over a phone's 5 Mbit/s takes under a minute. */
const requestTimeoutMs = 120_000;
const headersTimeoutMs = 10_000;

/** The page may load what this server sends, and nothing else; WebAssembly is for the model in the page. */
const pageHeaders = {
  "Content-Security-Policy":
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** @throws AppError PORT_BUSY */
export async function listen({ host, port, routes, gate = openGate }: ListenOptions): Promise<Listening> {
  const limits = { requestTimeout: requestTimeoutMs, headersTimeout: headersTimeoutMs };
  const server = gate.tls ? createTlsServer({ ...gate.tls, ...limits }) : createServer(limits);
  server.on("request", (request, response) => void answer({ host, routes, gate }, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  }).catch((cause: unknown) => {
    throw new AppError(AppError.from(cause).code, `cannot listen on ${host}:${port}`, { cause });
  });
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `${gate.tls ? "https" : "http"}://${name}:${(server.address() as AddressInfo).port}/`,
    close: () => close(server),
  };
}

type Serving = Required<Omit<ListenOptions, "port">>;

async function answer({ host, routes, gate }: Serving, raw: IncomingMessage, response: ServerResponse) {
  for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
  try {
    rejectForeignHost(host, raw);
    const url = new URL(raw.url ?? "/", "http://localhost");
    const port = raw.socket.localPort ?? 0;
    const admission = admit(gate, raw, url, port);
    if (admission.kind === "again") {
      sendAgain(gate, response, admission.location, port);
      return;
    }
    if (admission.kind === "out") throw tokenRequired(response);
    const { route, params } = findRoute(routes, raw.method ?? "GET", url.pathname);
    await route.handle({ raw, url, params }, response);
  } catch (error) {
    sendError(raw, response, error);
  }
}

function tokenRequired(response: ServerResponse): HttpError {
  response.setHeader("WWW-Authenticate", "Bearer");
  const hint = "Open the address with ?token=TOKEN once, or send Authorization: Bearer TOKEN.";
  return new HttpError(401, "TOKEN_REQUIRED", "this server is for those who have its token", hint);
}

function findRoute(routes: readonly Route[], method: string, path: string) {
  // HEAD is GET whose body Node leaves out.
  const wanted = method === "HEAD" ? "GET" : method;
  const matches = routes.flatMap((route) => {
    const match = route.path.exec(path);
    return match ? [{ route, params: match.slice(1) }] : [];
  });
  const found = matches.find(({ route }) => route.method === wanted);
  if (found) return found;
  if (matches.length === 0) throw new HttpError(404, "NOT_FOUND", `there is nothing at ${path}`);
  throw new HttpError(405, "METHOD_NOT_ALLOWED", `${path} takes ${matches[0]!.route.method}, not ${method}`);
}

/** On loopback, a page whose domain leads to 127.0.0.1 (DNS rebinding) would otherwise read what is served here. */
function rejectForeignHost(host: string, raw: IncomingMessage): void {
  if (!isLoopback(host)) return;
  const asked = (raw.headers.host ?? "").replace(/:\d+$/, "");
  if (!isLoopback(asked)) throw new HttpError(403, "HOST_FORBIDDEN", `this server does not answer for ${asked}`);
}

export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  send(response, "application/json; charset=utf-8", JSON.stringify(value), { status });
}

export function send(
  response: ServerResponse,
  type: string,
  body: string | Uint8Array,
  {
    status = 200,
    headers = {},
  }: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): void {
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Length": String(Buffer.byteLength(body)),
    "Cache-Control": "no-cache",
    ...headers,
  });
  response.end(body);
}

/** Status per code of what the program itself throws; all else is a bug. */
const statusOfCode: Readonly<Record<string, number>> = {
  DATA_BROKEN: 422,
  USAGE: 400,
  DATA_NOT_FOUND: 404,
  RUN_NOT_FOUND: 404,
  CORRECTIONS_INVALID: 422,
  CHECKPOINT_INVALID: 500,
};

export function sendError(raw: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // What is left of a refused body would be taken for the next request.
  if (!raw.complete) response.setHeader("Connection", "close");
  if (thrown instanceof HttpError && thrown.status === 503) response.setHeader("Retry-After", "1");
  const { status, code, message, hint } = thrown instanceof HttpError ? thrown : translated(thrown);
  sendJson(response, { error: { code, message, hint } }, status);
}

function translated(thrown: unknown): HttpError {
  const { code, message, hint } = AppError.from(thrown);
  return new HttpError(statusOfCode[code] ?? 500, code, message, hint);
}

function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}
