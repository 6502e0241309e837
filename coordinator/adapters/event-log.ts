/** The run's event log: a line in events.jsonl (the truth) and a message in the bus's event stream (for watchers). */
import { RetentionPolicy, StorageType } from "nats";
import { AppError } from "../../shared/errors.js";
import { type Bus, publishJson } from "../../shared/net/bus.js";
import { replicated, settleReplicas } from "../../shared/net/replicas.js";
import { eventStream, type RunEventRecord, type RunStatus, runBucket, subjects } from "../../shared/net/subjects.js";
import type { RunStore } from "./run-store.js";

/** The stream forgets after a week or 64 MB; events.jsonl never does. */
const streamAgeNs = 7 * 24 * 3600 * 1e9;
const streamBytesMax = 64 * 1024 * 1024;

export class EventLog {
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly bus: Bus,
    private readonly store: RunStore,
    private readonly runId: string,
    private readonly onEvent: (record: RunEventRecord) => void,
  ) {}

  static async prepare(bus: Bus): Promise<void> {
    await replicated(bus, (replicas) => addStream(bus, replicas)).catch((cause: unknown) => {
      if (!String(cause).includes("insufficient storage")) throw cause;
      throw new AppError("DISK_FULL", `nats-server has no room for the event log (${streamBytesMax >> 20} MB)`, {
        hint: "Free 100 MB where it keeps its store: with --local that is the folder of runs.",
        cause,
      });
    });
    await settleReplicas(bus);
  }

  append(fields: { readonly kind: string; readonly [field: string]: unknown }): void {
    const record: RunEventRecord = { at: new Date().toISOString(), runId: this.runId, ...fields };
    this.writing = this.writing.then(() => this.store.appendEvent(record)).catch(() => undefined);
    publishJson(this.bus, subjects.event(this.runId), record);
    this.onEvent(record);
  }

  async flush(): Promise<void> {
    await this.writing;
  }
}

/** Makes it where there is none. */
async function addStream(bus: Bus, replicas: number): Promise<void> {
  const { streams } = await bus.connection.jetstreamManager();
  const isThere = await streams.info(eventStream).catch((error: unknown) => {
    if (!String(error).includes("stream not found")) throw error;
    return null;
  });
  if (isThere) return;
  await streams.add({
    name: eventStream,
    subjects: [subjects.allEvents],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: streamAgeNs,
    max_bytes: streamBytesMax,
    num_replicas: replicas,
  });
}

/** Publishes what `seedgrow status` shows. The bus being away is no reason to stop training. */
export async function publishStatus(bus: Bus, status: RunStatus): Promise<void> {
  try {
    const { views } = bus.connection.jetstream({ timeout: 2_000 });
    const kv = await replicated(bus, (replicas) => views.kv(runBucket, { history: 1, replicas }));
    await kv.put(status.runId, JSON.stringify(status));
  } catch {
    // The next status comes within a second.
  }
}
