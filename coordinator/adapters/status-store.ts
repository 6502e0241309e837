/** The status that coordinators publish on the bus, for `seedgrow status`. Reads only: creates no bucket on a broker. */
import type { KV } from "nats";
import { type Bus, parseJson } from "../../shared/net/bus.js";
import { type RunStatus, runBucket, runStatusSchema } from "../../shared/net/subjects.js";

/** Null when the bus knows nothing about the run. */
export async function readStatus(bus: Bus, runId: string): Promise<RunStatus | null> {
  try {
    const entry = await (await bucket(bus)).get(runId);
    return entry && entry.operation === "PUT" ? (runStatusSchema.safeParse(parseJson(entry.value)).data ?? null) : null;
  } catch {
    return null;
  }
}

/** Every run that the bus remembers, oldest first. */
export async function listStatuses(bus: Bus): Promise<RunStatus[]> {
  const runIds: string[] = [];
  try {
    for await (const key of await (await bucket(bus)).keys()) runIds.push(key);
  } catch {
    // No bucket: no run has ever used this broker.
  }
  const statuses = await Promise.all(runIds.sort().map((runId) => readStatus(bus, runId)));
  return statuses.filter((status) => status !== null);
}

function bucket(bus: Bus): Promise<KV> {
  return bus.connection.jetstream({ timeout: 2_000 }).views.kv(runBucket, { bindOnly: true });
}
