/** The worker on the bus: advertises itself, and hears when its lease is renewed. */
import type { KV } from "nats";
import { beatIntervalMs, leaseMs } from "../../shared/limits.js";
import { type Bus, publishJson } from "../../shared/net/bus.js";
import { leaseBucket, subjects, type WorkerBeat } from "../../shared/net/subjects.js";

export interface PresenceOptions {
  readonly bus: Bus;
  readonly workerId: string;
  readonly beat: () => WorkerBeat;
  /** The coordinator renewed this worker's lease: it lives. */
  readonly onRenewed: () => void;
}

/** Starts beating. Returns a function that stops it. */
export async function startPresence(options: PresenceOptions): Promise<() => void> {
  const { bus } = options;
  const send = () => publishJson(bus, subjects.beat, options.beat());
  const discover = bus.connection.subscribe(subjects.discover, { callback: send });
  const timer = setInterval(send, beatIntervalMs);
  const renewals = await watchLease(bus, options);
  send();
  return () => {
    clearInterval(timer);
    discover.unsubscribe();
    renewals.stop();
  };
}

async function watchLease(bus: Bus, { workerId, onRenewed }: PresenceOptions): Promise<{ stop: () => void }> {
  const kv: KV = await bus.connection.jetstream().views.kv(leaseBucket, { ttl: leaseMs });
  const watch = await kv.watch({ key: workerId });
  void (async () => {
    for await (const entry of watch) if (entry.operation === "PUT") onRenewed();
  })();
  return { stop: () => watch.stop() };
}
