/** Label packs from the bus's object store. A miss or an unreachable store is null: the coordinator has them too. */

import type { Bus } from "../../shared/net/bus.js";
import { labelBucket } from "../../shared/net/subjects.js";
import type { PackStore } from "./fetcher.js";

/** The store answers within this or the coordinator is asked, milliseconds. */
const storeTimeoutMs = 5_000;

export function busPackStore(bus: Bus): PackStore {
  return {
    async get(digest) {
      try {
        const store = await bus.connection.jetstream({ timeout: storeTimeoutMs }).views.os(labelBucket);
        return await store.getBlob(digest);
      } catch {
        return null;
      }
    },
  };
}
