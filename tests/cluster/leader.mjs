// Prints which server leads a stream, or with an empty name, that JetStream answers. Runs inside a host's network.
import { connectBus } from "../../dist/shared/net/bus.js";
import { loadTrust } from "../../dist/shared/net/trust.js";

const [url, certs, stream] = process.argv.slice(2);
const trust = await loadTrust(certs, { roles: ["coordinator"], nowMs: Date.now() });
const { connection } = await connectBus({ url, name: "test", trust, timeoutMs: 2_000 });
try {
  const { streams } = await connection.jetstreamManager({ timeout: 2_000 });
  process.stdout.write(stream === "" ? "ready" : ((await streams.info(stream)).cluster?.leader ?? ""));
} finally {
  await connection.close();
  trust.revocations.close();
}
