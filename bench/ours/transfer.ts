/** Bytes from one process to another over gRPC, their digest checked: loopback, or through a link with a delay. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { blobHandlers, MemoryBlobs, pullBlob } from "../../shared/net/blobs.js";
import { clientSecurity, openServer, serverCredentials } from "../../shared/net/credentials.js";
import { Blobs } from "../../shared/net/proto.js";
import { listen } from "../../shared/net/rpc.js";
import { trustIn } from "../../shared/net/trust.js";
import { answer, givenWork } from "../lib/answer.js";
import { openLink } from "../lib/delay-link.js";

interface TransferWork {
  readonly megabytes: number;
  /** Each way, milliseconds; 0: no link between them. */
  readonly delayMs: number;
}

if (process.send) await serve();
else await pull(givenWork());

async function serve(): Promise<void> {
  const { megabytes } = givenWork<TransferWork>();
  const trust = await trustIn("", ["coordinator"]);
  const blobs = new MemoryBlobs();
  const digest = blobs.put(Buffer.alloc(megabytes * 1e6, 7));
  const server = openServer({ trust, access: { "seedgrow.v1.Blobs": ["worker"] } });
  server.addService(Blobs.service, blobHandlers(blobs));
  const address = await listen(server, "127.0.0.1:0", serverCredentials(trust));
  process.on("disconnect", () => process.exit());
  process.send!({ address, digest });
}

async function pull({ megabytes, delayMs }: TransferWork): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
  const { address, digest } = await new Promise<{ address: string; digest: string }>((resolve) => {
    child.once("message", resolve as never);
  });
  const link = delayMs > 0 ? await openLink(Number(address.split(":").at(-1)), delayMs) : null;
  const reached = link ? `127.0.0.1:${link.port}` : address;
  const { credentials, options } = clientSecurity(await trustIn("", ["worker"]), ["coordinator"], reached);
  const client = new Blobs(reached, credentials, options);
  await answer("gRPC with SHA-256", async () => {
    const bytes = await pullBlob(client, digest, { bytes: megabytes * 1e6 });
    return bytes.length / 1e6;
  });
  link?.close();
  client.close();
  child.disconnect();
}
