/** Bytes from one process to another, on loopback or through a link with a delay: a blob over gRPC, its digest checked, or a vector. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { byChecksum, nameOf } from "../../shared/codec/checksum.js";
import { sha256 } from "../../shared/codec/digest.js";
import { encode } from "../../shared/math/wire.js";
import { blobBulk, linkTo, pullNumbers } from "../../shared/net/blob-lines.js";
import { blobHandlers, MemoryBlobs } from "../../shared/net/blobs.js";
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
  /** A blob as photos come or as parameters do, or what workers pull from each other. */
  readonly what: "photo" | "blob" | "vector";
  /** Each way, milliseconds; 0: no link between them. */
  readonly delayMs: number;
}

if (process.send) await serve(givenWork());
else await pull(givenWork());

async function serve({ megabytes, what }: TransferWork): Promise<void> {
  const trust = await trustIn("", ["coordinator"]);
  const blobs = new MemoryBlobs();
  const bytes = Buffer.alloc(megabytes * 1e6, 7);
  const digest = what === "blob" ? nameOf(bytes, byChecksum) : sha256(bytes);
  blobs.put(bytes, digest);
  const grpcServer = openServer({ trust, access: { "seedgrow.v1.Blobs": ["worker"] } });
  grpcServer.addService(Blobs.service, blobHandlers(blobs));
  const vector = encode("f32", new Float32Array(bytes.buffer), bytes.length / 4);
  const bulk = {
    vector: { answer: vectorBulk({ vector: () => vector }), roles: peerRoles },
    blob: { answer: blobBulk(blobs), roles: ["worker"] as const },
  };
  const { address } = await listenOnOnePort({ address: "127.0.0.1:0", trust, grpcServer, bulk });
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
  await (what === "vector" ? pullVectors(reached, megabytes) : pullBlobs(reached, what, { digest, megabytes }));
  link?.close();
  child.disconnect();
}

async function pullBlobs(
  address: string,
  what: TransferWork["what"],
  { digest, megabytes }: { readonly digest: string; readonly megabytes: number },
): Promise<void> {
  const trust = await trustIn("", ["worker"]);
  const { credentials, options } = clientSecurity(trust, ["coordinator"], address);
  const client = new Blobs(address, credentials, options);
  const link = what === "photo" ? null : linkTo({ address, trust, roles: ["coordinator"] });
  await answer(link ? "bulk line with a checksum" : "gRPC with SHA-256", async () => {
    const bytes = await pullNumbers({ client, link }, digest, { bytes: megabytes * 1e6 });
    return bytes.length / 1e6;
  });
  client.close();
  link?.close();
}

/** Into the same place each time, as the sums of a step are. */
async function pullVectors(address: string, megabytes: number): Promise<void> {
  const peers = new PeerLinks({ runId: "bench", trust: null, isInsecure: false });
  const target = new Uint8Array(megabytes * 1e6);
  const range = { address, name: "bench", first: 0, end: target.length / 4 };
  await answer("bulk line", async () => (await peers.pull(range, target)) / 1e6);
  peers.close();
}
