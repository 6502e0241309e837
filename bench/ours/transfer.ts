/** Bytes from one process to another over bulk lines, on loopback or through a link with a delay: photos, a model, or a vector. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { byChecksum, nameOf } from "../../shared/codec/checksum.js";
import { encode } from "../../shared/math/wire.js";
import { blobBulk, linkTo, pullBlob } from "../../shared/net/blob-lines.js";
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
  /** Many files with SHA-256s, a blob with a checksum, or what workers pull from each other. */
  readonly what: "photo" | "blob" | "vector";
  /** Each way, milliseconds; 0: no link between them. */
  readonly delayMs: number;
}

/** Of a photo of 1 to 2 megapixels. */
const photoBytes = 250_000;

if (process.send) await serve(givenWork());
else await pull(givenWork());

async function serve({ megabytes, what }: TransferWork): Promise<void> {
  const trust = await trustIn("", ["coordinator"]);
  const blobs = new MemoryBlobs();
  const bytes = Buffer.alloc(megabytes * 1e6, 7);
  const digests =
    what === "photo" ? photosIn(bytes).map((photo) => blobs.put(photo)) : [blobs.put(bytes, nameOf(bytes, byChecksum))];
  const grpcServer = openServer({ trust, access: { "seedgrow.v1.Blobs": ["worker"] } });
  grpcServer.addService(Blobs.service, blobHandlers(blobs));
  const vector = encode("f32", new Float32Array(bytes.buffer), bytes.length / 4);
  const bulk = {
    vector: { answer: vectorBulk({ vector: () => vector }), roles: peerRoles },
    blob: { answer: blobBulk(blobs), roles: ["worker"] as const },
  };
  const { address } = await listenOnOnePort({ address: "127.0.0.1:0", trust, grpcServer, bulk });
  process.on("disconnect", () => process.exit());
  process.send!({ address, digests });
}

function photosIn(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length / photoBytes }, (_, i) => {
    const photo = bytes.subarray(i * photoBytes, (i + 1) * photoBytes);
    photo.writeUInt32LE(i); // no two are the same
    return photo;
  });
}

async function pull({ megabytes, delayMs, what }: TransferWork): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2));
  const { address, digests } = await new Promise<{ address: string; digests: string[] }>((resolve) => {
    child.once("message", resolve as never);
  });
  const link = delayMs > 0 ? await openLink(Number(address.split(":").at(-1)), delayMs) : null;
  const reached = link ? `127.0.0.1:${link.port}` : address;
  await (what === "vector" ? pullVectors(reached, megabytes) : pullBlobs(reached, what, { digests, megabytes }));
  link?.close();
  child.disconnect();
}

async function pullBlobs(
  address: string,
  what: TransferWork["what"],
  { digests, megabytes }: { readonly digests: readonly string[]; readonly megabytes: number },
): Promise<void> {
  const trust = await trustIn("", ["worker"]);
  const { credentials, options } = clientSecurity(trust, ["coordinator"], address);
  const client = new Blobs(address, credentials, options);
  const link = linkTo({ address, trust, roles: ["coordinator"] });
  // Parameters and sums come to the same place each time, photos to memory of their own.
  const place = new Uint8Array(what === "blob" ? megabytes * 1e6 : 0);
  const wanted = what === "blob" ? { bytes: place.length, room: () => place } : {};
  await answer(what === "blob" ? "bulk line with a checksum" : "bulk line with SHA-256", async () => {
    const pulled = await Promise.all(digests.map((digest) => pullBlob({ client, link }, digest, wanted)));
    return pulled.reduce((sum, { length }) => sum + length, 0) / 1e6;
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
