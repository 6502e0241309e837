/** A thin layer over NATS: connect with a clear error, JSON in and out, messages checked against their schema. */
import { type ConnectionOptions, connect, ErrorCode, type NatsConnection, NatsError, type Subscription } from "nats";
import type { z } from "zod";
import { AppError } from "../errors.js";
import { messageHeaders, onMessage } from "../observe/tracing.js";
import { checkPeer } from "./credentials.js";
import { addressesOf, hostOf, requirePrivate } from "./exposure.js";
import { handshakeProblem } from "./handshake.js";
import { inboxOf, type Role } from "./identity.js";
import { tlsProblem } from "./tls-problems.js";
import type { Trust } from "./trust.js";

const portDefault = 4222;

export interface Bus {
  readonly connection: NatsConnection;
  readonly url: string;
  /** What our certificate lets us do there; null: everything, without one. */
  readonly role: Role | null;
  /** Servers that keep what is written; 0: as the cluster has them (shared/net/replicas.ts). */
  readonly replicas: number;
}

export interface ConnectBusOptions {
  /** Servers of one cluster are separated by commas. */
  readonly url: string;
  readonly name: string;
  /** Null or left out: in the clear, which is for loopback, or for `isInsecure`. */
  readonly trust?: Trust | null;
  readonly isInsecure?: boolean;
  /** Left out: 0. */
  readonly replicas?: number;
  /** Give up when the first connection takes longer, milliseconds. Later ones are retried for ever. */
  readonly timeoutMs?: number;
}

/** @throws AppError INSECURE_ADDRESS, BROKER_UNREACHABLE, BROKER_REFUSED, CERT_... */
export async function connectBus(options: ConnectBusOptions): Promise<Bus> {
  const { url, trust = null } = options;
  requirePrivate({ "the NATS server": url }, trust !== null, options.isInsecure === true);
  try {
    const connection = await connect({
      servers: addressesOf(url),
      name: options.name,
      timeout: options.timeoutMs ?? 5_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      // A refusal may be a server that has not heard of this certificate yet.
      ignoreAuthErrorAbort: true,
      ...(trust && secured(trust, url)),
    });
    return { connection, url, role: trust?.identity.role ?? null, replicas: options.replicas ?? 0 };
  } catch (error) {
    const problem = connectProblem(error, url, trust);
    if (problem.code !== "BROKER_UNREACHABLE" || trust === null) throw problem;
    const heard = await heardLater(url, trust);
    throw heard === null ? problem : connectProblem(heard, url, trust);
  }
}

/** Only a server of the role "broker" under a name we asked for is talked to; nobody else reads our replies. */
function secured(trust: Trust, url: string): Partial<ConnectionOptions> {
  const { ca, cert, key } = trust;
  const hosts = addressesOf(url).map(hostOf);
  const tls = {
    ...{ ca: String(ca), cert: String(cert), key: String(key), minVersion: "TLSv1.3" as const },
    // nats.js asks for "localhost" where it was given an IP address.
    checkServerIdentity: (_: string, peer: Parameters<typeof checkPeer>[3]) => {
      const problems = hosts.map((host) => checkPeer(trust, ["broker"], host, peer));
      return problems.includes(undefined) ? undefined : problems[0];
    },
  };
  // Servers that others tell of would have names that nobody has asked for.
  return { tls, inboxPrefix: inboxOf(trust.identity), ignoreClusterUpdates: true };
}

/** Of a server of which nats.js only says that it closed or kept silent: what it has against our certificate; null: nothing. */
async function heardLater(url: string, trust: Trust): Promise<Error | null> {
  const address = addressesOf(url)[0]!;
  const port = Number(/:(\d+)\/?$/.exec(address)?.[1] ?? portDefault);
  const { ca, cert, key } = trust;
  return handshakeProblem(hostOf(address), port, { ca, cert, key });
}

function connectProblem(error: unknown, url: string, trust: Trust | null): AppError {
  const code = error instanceof NatsError ? error.code : "";
  if (code === ErrorCode.AuthorizationViolation) {
    const who = trust ? `the certificate of ${trust.identity.name}` : "a client without a certificate";
    return new AppError("BROKER_REFUSED", `the NATS server at ${url} does not let ${who} in`, { cause: error });
  }
  const problem = tlsProblem(error);
  if (problem && !trust) {
    return new AppError("CERT_MISSING", `the NATS server at ${url} speaks TLS and demands a certificate`, {
      cause: error,
    });
  }
  if (problem && trust) {
    // Go's TLS says "bad certificate" of an expired one.
    const hasEnded = problem.code === "CERT_UNKNOWN_CA" && trust.notAfterMs < Date.now();
    const why = hasEnded ? "CERT_EXPIRED" : problem.code;
    return new AppError(why, `the NATS server at ${url}: ${problem.message}`, { cause: error });
  }
  if (code === ErrorCode.ServerOptionNotAvailable) {
    return new AppError("PEER_PLAINTEXT", `the NATS server at ${url} does not speak TLS`, { cause: error });
  }
  return new AppError("BROKER_UNREACHABLE", `no NATS server answers at ${url}`, { cause: error });
}

export function publishJson(bus: Bus, subject: string, message: unknown): void {
  if (bus.connection.isClosed()) return;
  const headers = messageHeaders(subject);
  bus.connection.publish(subject, JSON.stringify(message), headers && { headers });
}

/** Calls `handle` for every message that fits the schema; others are somebody else's and are passed over. */
export function onJson<T>(bus: Bus, subject: string, schema: z.ZodType<T>, handle: (message: T) => void): Subscription {
  return bus.connection.subscribe(subject, {
    callback: (error, message) => {
      if (error) return;
      const parsed = schema.safeParse(parseJson(message.data));
      if (parsed.success) onMessage(message, () => handle(parsed.data));
    },
  });
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
}
