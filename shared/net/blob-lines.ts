/** Blobs over bulk lines, and by gRPC where no line is answered: all that coordinator and worker pull from each other. */
import { z } from "zod";
import { namingOf } from "../codec/checksum.js";
import type { Digest } from "../codec/digest.js";
import { AppError } from "../errors.js";
import type { BlobsClient } from "../gen/seedgrow/v1/Blobs.js";
import { blobBytesMax, peerIdleMs } from "../limits.js";
import { type BlobSource, type BlobTarget, type PullOptions, pullByGrpc, pullIntoByGrpc, verified } from "./blobs.js";
import type { AnswerBulk } from "./bulk.js";
import { type BulkLineOptions, BulkLink, type BulkSink, streaming } from "./bulk-line.js";

const blobSchema = z.strictObject({ kind: z.literal("blob"), digest: z.string(), offset: z.int().nonnegative() });

/** @throws AppError MESSAGE_INVALID when it is not held here */
export function blobBulk(source: BlobSource): AnswerBulk {
  return async (request) => {
    const { digest = "", offset = 0 } = blobSchema.safeParse(request).data ?? {};
    const bytes = await source.get(digest);
    if (!bytes || offset > bytes.length) throw new AppError("MESSAGE_INVALID", `no blob ${digest} from ${offset} on`);
    // Whoever gets other bytes, since their memory was used again, sees it by the digest.
    return { bytes: bytes.subarray(offset) };
  };
}

/** Where blobs are pulled from. */
export interface BlobPeer {
  readonly client: BlobsClient;
  /** Null: there is gRPC alone. */
  readonly link: BulkLink | null;
}

/** Null where gRPC goes through a proxy, which knows no lines. */
export function linkTo(place: Omit<BulkLineOptions, "idleMs">): BulkLink | null {
  return process.env.grpc_proxy ? null : new BulkLink({ ...place, idleMs: peerIdleMs });
}

/** As `pullByGrpc`, over the peer's bulk line. What that cannot carry comes by gRPC, which proxies and tunnels know. */
export async function pullBlob(peer: BlobPeer, digest: Digest, options: PullOptions = {}): Promise<Uint8Array> {
  const { client, link } = peer;
  options.signal?.throwIfAborted();
  if (!link || link.isVain) return pullByGrpc(client, digest, options);
  try {
    return await pullByLine(link, digest, options);
  } catch (error) {
    if (options.signal?.aborted || AppError.from(error).code !== "PEER_UNREACHABLE") throw error;
    return pullByGrpc(client, digest, options);
  }
}

async function pullByLine(link: BulkLink, digest: Digest, { signal, bytes, room }: PullOptions): Promise<Uint8Array> {
  const naming = namingOf(digest);
  let whole: Uint8Array = new Uint8Array(0);
  const sink: BulkSink = {
    begin(length) {
      requireLength(digest, length, bytes);
      whole = room?.(length) ?? new Uint8Array(length);
    },
    room: (left) => whole.subarray(whole.length - left),
    take: (data) => void naming.update(data),
  };
  await until(signal, link, link.pull({ kind: "blob", digest, offset: 0 }, sink));
  return verified(digest, { received: whole.length }, () => whole, naming);
}

/** As `pullBlob`, to wherever `target` puts them. `finish` is called when all is there, before their digest is compared. */
export async function pullBlobInto<T>(
  { client, link }: BlobPeer,
  digest: Digest,
  target: BlobTarget,
  finish: () => T,
): Promise<T> {
  const naming = namingOf(digest);
  if (!link || link.isVain) return pullIntoByGrpc(client, digest, target, {}, finish, naming);
  let stored = Promise.resolve();
  const take = (data: Buffer) => {
    naming.update(data);
    const storing = target.add(data);
    if (storing) stored = storing;
    return storing;
  };
  const sink = streaming((length) => requireLength(digest, length), take);
  try {
    await link.pull({ kind: "blob", digest, offset: 0 }, sink);
  } catch (error) {
    if (AppError.from(error).code !== "PEER_UNREACHABLE") throw error;
    // What has come is not asked for again, nor what was being stored when the line broke.
    await stored;
    return pullIntoByGrpc(client, digest, target, {}, finish, naming);
  }
  return verified(digest, target, finish, naming);
}

function requireLength(digest: Digest, length: number, expected = length): void {
  if (length <= blobBytesMax && length === expected) return;
  const wanted = length === expected ? `at most ${blobBytesMax}` : expected;
  throw new AppError("MESSAGE_INVALID", `blob ${digest} has ${length} bytes, not ${wanted}`);
}

async function until(signal: AbortSignal | undefined, link: BulkLink, pulled: Promise<void>): Promise<void> {
  const abort = () => link.close();
  signal?.addEventListener("abort", abort, { once: true });
  await pulled.finally(() => signal?.removeEventListener("abort", abort));
}
