/** A real nats-server for a test file, started the way `seedgrow train --local` starts it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connectBus } from "../../shared/net/bus.js";

export interface TestBroker {
  readonly url: string;
  /** A connection of its own, closed at the end. */
  readonly connect: (name: string) => Promise<Bus>;
  readonly stop: () => Promise<void>;
}

export async function startBroker(): Promise<TestBroker> {
  // The compiled module: it starts a compiled helper, which lies beside it in dist/ only.
  const compiled = new URL("../../dist/coordinator/adapters/nats-server.js", import.meta.url).href;
  const { startNats } = (await import(compiled)) as typeof import("../../coordinator/adapters/nats-server.js");
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-broker-"));
  const nats = await startNats(dir, join(dir, "nats.log"));
  const connections: Bus[] = [];
  return {
    url: nats.url,
    connect: async (name) => {
      const bus = await connectBus({ url: nats.url, name });
      connections.push(bus);
      return bus;
    },
    stop: async () => {
      await Promise.all(connections.map(({ connection }) => connection.close()));
      await nats.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
