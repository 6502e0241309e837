/** A thin layer over NATS: connect with a clear error, JSON in and out, messages checked against their schema. */
import { connect, type NatsConnection, type Subscription } from "nats";
import type { z } from "zod";
import { AppError } from "../errors.js";
import { messageHeaders, onMessage } from "../observe/tracing.js";

export interface Bus {
  readonly connection: NatsConnection;
  readonly url: string;
}

export interface ConnectBusOptions {
  readonly url: string;
  readonly name: string;
  /** Give up when the first connection takes longer, milliseconds. Later ones are retried for ever. */
  readonly timeoutMs?: number;
}

export async function connectBus(options: ConnectBusOptions): Promise<Bus> {
  try {
    const connection = await connect({
      servers: options.url,
      name: options.name,
      timeout: options.timeoutMs ?? 5_000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
    });
    return { connection, url: options.url };
  } catch (error) {
    throw new AppError("BROKER_UNREACHABLE", `no NATS server answers at ${options.url}`, { cause: error });
  }
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
