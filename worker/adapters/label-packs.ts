/** Label packs from the bus's object store. A miss or an unreachable store is null: the coordinator has them too. */
import type { ObjectStore } from "nats";
import type { Bus } from "../../shared/net/bus.js";
import { labelBucket } from "../../shared/net/subjects.js";
import type { PackStore } from "./fetcher.js";

/** The store answers within this or the coordinator is asked, milliseconds. */
const storeTimeoutMs = 5_000;

export function busPackStore(bus: Bus): PackStore {
  /** Opening it asks the server twice: once for all packs, and again after trouble. */
  let opened: Promise<ObjectStore> | null = null;
  return {
    async get(digest) {
      try {
        opened ??= bus.connection.jetstream({ timeout: storeTimeoutMs }).views.os(labelBucket);
        const store = await opened;
        return await store.getBlob(digest);
      } catch {
        opened = null;
        return null;
      }
    },
  };
}
