/** The worker on the bus: advertises itself, and hears when its lease is renewed. */
import { setTimeout as pause } from "node:timers/promises";
import type { KvEntry } from "nats";
import { z } from "zod";
import { beatIntervalMs, leaseMs } from "../../shared/limits.js";
import { type Bus, parseJson, publishJson } from "../../shared/net/bus.js";
import { replicated } from "../../shared/net/replicas.js";
import { leaseBucket, subjects, type WorkerBeat } from "../../shared/net/subjects.js";
import { onMessage } from "../../shared/observe/tracing.js";

export interface PresenceOptions {
  readonly bus: Bus;
  readonly workerId: string;
  readonly beat: () => WorkerBeat;
  /** A coordinator took this worker's lease or renewed it: it lives, at this address where the lease tells it. */
  readonly onRenewed: (coordinatorAddress: string | null) => void;
}

export interface Presence {
  readonly stop: () => void;
  /** Beats now, not only when the next beat is due. */
  readonly announce: () => void;
}

/** The lease is looked for anew this long after its watch ended. */
const rewatchMs = 1_000;

export async function startPresence(options: PresenceOptions): Promise<Presence> {
  const { bus } = options;
  const announce = () => publishJson(bus, subjects.beat, options.beat());
  const discover = bus.connection.subscribe(subjects.discover, {
    callback: (error, message) => (error ? undefined : onMessage(message, announce)),
  });
  const timer = setInterval(announce, beatIntervalMs);
  const renewals = new LeaseWatch(options);
  await renewals.start();
  announce();
  const stop = () => {
    clearInterval(timer);
    discover.unsubscribe();
    renewals.stop();
  };
  return { stop, announce };
}

/** Hears renewals for as long as it runs: a bus that comes back without its data ends the watch, and a new one begins. */
class LeaseWatch {
  private isStopped = false;
  private watch: { stop: () => void } | null = null;

  constructor(private readonly options: PresenceOptions) {}

  /** @throws AppError BROKER_UNREACHABLE when the bus has no key-value store. */
  async start(): Promise<void> {
    const entries = await this.open();
    void this.follow(entries);
  }

  stop(): void {
    this.isStopped = true;
    this.watch?.stop();
  }

  private async open(): Promise<AsyncIterable<KvEntry>> {
    const { bus, workerId } = this.options;
    const { views } = bus.connection.jetstream();
    const kv = await replicated(bus, (replicas) => views.kv(leaseBucket, { ttl: leaseMs, replicas }));
    const entries = await kv.watch({ key: workerId });
    this.watch = entries;
    return entries;
  }

  private async follow(first: AsyncIterable<KvEntry>): Promise<void> {
    let entries: AsyncIterable<KvEntry> | null = first;
    while (!this.isStopped) {
      try {
        entries ??= await this.open();
        for await (const entry of entries) if (entry.operation === "PUT") this.options.onRenewed(addressIn(entry));
      } catch {
        // The bus is away or has lost the bucket: tried again.
      }
      entries = null;
      if (!this.isStopped) await pause(rewatchMs, undefined, { ref: false });
    }
  }
}

const leaseSchema = z.object({ address: z.string() });

function addressIn({ value }: KvEntry): string | null {
  return leaseSchema.safeParse(parseJson(value)).data?.address ?? null;
}
