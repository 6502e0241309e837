/** Bytes from one process to another, on loopback or through a link with a delay: a blob over gRPC, its digest checked, or a vector. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { encode } from "../../shared/math/wire.js";
import { blobHandlers, MemoryBlobs, pullBlob } from "../../shared/net/blobs.js";
import { clientSecurity, openServer } from "../../shared/net/credentials.js";
import { listenOnOnePort } from "../../shared/net/one-port.js";
import { vectorBulk } from "../../shared/net/peers.js";
import { Blobs } from "../../shared/net/proto.js";
import { trustIn } from "../../shared/net/trust.js";
import { peerRoles } from "../../worker/access.js";
import { PeerLinks } from "../../worker/adapters/peer-links.js";
import { answer, givenWork } from "../lib/answer.js";
import { openLink } from "../lib/delay-link.js";

interface TransferWork {
  readonly megabytes: number;
  /** What workers pull from the coordinator, or from each other. */
  readonly what: "blob" | "vector";
  /** Each way, milliseconds; 0: no link between them. */
  readonly delayMs: number;
}

if (process.send) await serve();
else await pull(givenWork());

async function serve(): Promise<void> {
  const { megabytes } = givenWork<TransferWork>();
  const trust = await trustIn("", ["coordinator"]);
  const blobs = new MemoryBlobs();
  const bytes = Buffer.alloc(megabytes * 1e6, 7);
  const digest = blobs.put(bytes);
  const grpcServer = openServer({ trust, access: { "seedgrow.v1.Blobs": ["worker"] } });
  grpcServer.addService(Blobs.service, blobHandlers(blobs));
  const vector = encode("f32", new Float32Array(bytes.buffer), bytes.length / 4);
  const served = { trust, grpcServer, bulk: vectorBulk({ vector: () => vector }), bulkRoles: peerRoles };
  const { address } = await listenOnOnePort({ address: "127.0.0.1:0", ...served });
  process.on("disconnect", () => process.exit());
  process.send!({ address, digest });
}

async function pull({ megabytes, delayMs, what }: TransferWork): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
  const { address, digest } = await new Promise<{ address: string; digest: string }>((resolve) => {
    child.once("message", resolve as never);
  });
  const link = delayMs > 0 ? await openLink(Number(address.split(":").at(-1)), delayMs) : null;
  const reached = link ? `127.0.0.1:${link.port}` : address;
  await (what === "blob" ? pullBlobs(reached, digest, megabytes) : pullVectors(reached, megabytes));
  link?.close();
  child.disconnect();
}

async function pullBlobs(address: string, digest: string, megabytes: number): Promise<void> {
  const { credentials, options } = clientSecurity(await trustIn("", ["worker"]), ["coordinator"], address);
  const client = new Blobs(address, credentials, options);
  await answer("gRPC with SHA-256", async () => {
    const bytes = await pullBlob(client, digest, { bytes: megabytes * 1e6 });
    return bytes.length / 1e6;
  });
  client.close();
}

/** Into the same place each time, as the sums of a step are. */
async function pullVectors(address: string, megabytes: number): Promise<void> {
  const peers = new PeerLinks({ runId: "bench", trust: null, isInsecure: false });
  const target = new Uint8Array(megabytes * 1e6);
  const range = { address, name: "bench", first: 0, end: target.length / 4 };
  await answer("bulk line", async () => (await peers.pull(range, target)) / 1e6);
  peers.close();
}
