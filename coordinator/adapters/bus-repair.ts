/** After the bus was away: makes again what it may have lost with its disk. Leases and status are made anew by their owners. */
import { Events } from "nats";
import type { Bus } from "../../shared/net/bus.js";

/** Runs `repair` whenever the connection is back; ends with the connection. */
export async function onReconnect(bus: Bus, repair: () => Promise<void>): Promise<void> {
  for await (const { type } of bus.connection.status()) {
    if (type === Events.Reconnect) await repair().catch(() => undefined);
  }
}
