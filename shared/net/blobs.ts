/** Blob transfer: a memory store, the service that serves it, and the client that pulls and verifies. */
import * as grpc from "@grpc/grpc-js";
import { type Naming, namingOf } from "../codec/checksum.js";
import { type Digest, sha256 } from "../codec/digest.js";
import { AppError } from "../errors.js";
import type { BlobsClient, BlobsHandlers } from "../gen/seedgrow/v1/Blobs.js";
import type { Chunk__Output } from "../gen/seedgrow/v1/Chunk.js";
import { blobBytesMax, chunkBytes, pullAttemptsMax } from "../limits.js";
import { drained, failStream } from "./streams.js";

/** Where blobs come from: memory, a cache folder, the photos on disk. Null: not held here. */
export interface BlobSource {
  get(digest: Digest): Promise<Uint8Array | null>;
}

/** Blobs in memory, each held for as long as its owner says. */
export class MemoryBlobs implements BlobSource {
  private readonly blobs = new Map<Digest, Uint8Array>();

  put(bytes: Uint8Array, digest: Digest = sha256(bytes)): Digest {
    this.blobs.set(digest, bytes);
    return digest;
  }

  delete(digest: Digest): void {
    this.blobs.delete(digest);
  }

  peek(digest: Digest): Uint8Array | null {
    return this.blobs.get(digest) ?? null;
  }

  async get(digest: Digest): Promise<Uint8Array | null> {
    return this.peek(digest);
  }
}

/** Asks each source in turn. */
export function firstOf(...sources: readonly BlobSource[]): BlobSource {
  return {
    async get(digest) {
      for (const source of sources) {
        const bytes = await source.get(digest);
        if (bytes) return bytes;
      }
      return null;
    },
  };
}

export function blobHandlers(source: BlobSource): BlobsHandlers {
  return {
    Pull(call) {
      serve(call, source).catch((error: unknown) => failStream(call, grpc.status.UNKNOWN, String(error)));
    },
  };
}

async function serve(call: Parameters<BlobsHandlers["Pull"]>[0], source: BlobSource): Promise<void> {
  const { digest, offset } = call.request;
  const bytes = await source.get(digest);
  if (!bytes) {
    failStream(call, grpc.status.NOT_FOUND, `no blob ${digest}`);
    return;
  }
  for (let at = offset; at < bytes.length && !call.cancelled; at += chunkBytes) {
    const data = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(chunkBytes, bytes.length - at));
    if (!call.write({ data })) await drained(call);
  }
  call.end();
}

export interface PullOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long it is said to be, where that is known: memory is taken once then, not twice. Longer or shorter is an error. */
  readonly bytes?: number;
  /** Where so many bytes go, when that is known before they come. Default: to memory of their own. */
  readonly room?: ((bytes: number) => Uint8Array) | undefined;
}

/** What a blob is written to as it arrives, in order. */
export interface BlobTarget {
  /** Bytes that it has taken. */
  readonly received: number;
  /** Nothing more arrives until it has resolved. */
  add(data: Buffer): void | Promise<void>;
}

/**
 * Pulls one blob whole and verifies its digest; a broken transfer goes on where it stopped.
 * @throws AppError DIGEST_MISMATCH when the bytes are not what their name says.
 */
export async function pullByGrpc(client: BlobsClient, digest: Digest, options: PullOptions = {}): Promise<Uint8Array> {
  const arriving = options.bytes === undefined ? new Chunks(digest) : new Whole(digest, options.bytes, options.room);
  return pullIntoByGrpc(client, digest, arriving, options, () => arriving.bytes());
}

/** As `pullByGrpc`, to wherever `target` puts it. `finish` is called when all is there, before its digest is compared. `naming`: has got what `target` has already. */
export async function pullIntoByGrpc<T>(
  client: BlobsClient,
  digest: Digest,
  target: BlobTarget,
  options: Pick<PullOptions, "signal">,
  finish: () => T,
  naming: Naming = namingOf(digest),
): Promise<T> {
  const take = (data: Buffer) => {
    naming.update(data);
    return target.add(data);
  };
  for (let attempt = 1; ; attempt++) {
    try {
      await pullFrom(client, digest, target.received, options, take);
      break;
    } catch (error) {
      if (attempt >= pullAttemptsMax || !isTransient(error) || options.signal?.aborted) throw error;
    }
  }
  return verified(digest, target, finish, naming);
}

/** @throws AppError DIGEST_MISMATCH */
export function verified<T>(
  digest: Digest,
  { received }: Pick<BlobTarget, "received">,
  finish: () => T,
  naming: Naming,
): T {
  const whole = finish();
  const actual = naming.digest("hex");
  if (actual === digest) return whole;
  throw new AppError("DIGEST_MISMATCH", `blob ${digest} arrived as ${actual} (${received} bytes)`);
}

/** Of unknown length: kept in pieces, then put together. */
class Chunks implements BlobTarget {
  private readonly chunks: Buffer[] = [];
  received = 0;

  constructor(private readonly digest: Digest) {}

  add(data: Buffer): void {
    this.received += data.length;
    if (this.received > blobBytesMax)
      throw new AppError("DIGEST_MISMATCH", `blob ${this.digest} exceeds ${blobBytesMax} bytes`);
    this.chunks.push(data);
  }

  bytes(): Uint8Array {
    return alignedConcat(this.chunks, this.received);
  }
}

/** Of known length: written to its place. */
class Whole implements BlobTarget {
  private readonly whole: Uint8Array;
  received = 0;

  constructor(
    private readonly digest: Digest,
    private readonly length: number,
    room: (bytes: number) => Uint8Array = (bytes) => new Uint8Array(bytes),
  ) {
    if (length > blobBytesMax)
      throw new AppError("MESSAGE_INVALID", `blob ${digest} is said to have ${length} bytes (at most ${blobBytesMax})`);
    this.whole = room(length);
  }

  add(data: Buffer): void {
    if (this.received + data.length > this.length) throw this.wrongLength("more than");
    this.whole.set(data, this.received);
    this.received += data.length;
  }

  bytes(): Uint8Array {
    if (this.received < this.length) throw this.wrongLength(`${this.received}, not`);
    return this.whole;
  }

  private wrongLength(found: string): AppError {
    return new AppError("MESSAGE_INVALID", `blob ${this.digest} has ${found} ${this.length} bytes`);
  }
}

function pullFrom(
  client: BlobsClient,
  digest: Digest,
  offset: number,
  { signal }: PullOptions,
  onData: (data: Buffer) => void | Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = client.Pull({ digest, offset });
    const abort = () => call.cancel();
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    const finish = (error?: unknown) => {
      signal?.removeEventListener("abort", abort);
      if (error) reject(error instanceof Error ? error : new Error(String(error)));
      else resolve();
    };
    const refuse = (error: unknown) => {
      finish(error);
      call.cancel();
    };
    // A transfer that breaks while a chunk is being stored goes on behind that chunk.
    let stored: Promise<void> = Promise.resolve();
    call.on("data", (chunk: Chunk__Output) => {
      try {
        const storing = onData(chunk.data);
        if (!storing) return;
        call.pause();
        stored = storing.then(() => void call.resume());
        stored.catch(refuse);
      } catch (error) {
        refuse(error);
      }
    });
    call.on("error", (error) => void stored.then(() => finish(error), finish));
    call.on("end", () => void stored.then(() => finish(), finish));
  });
}

function isTransient(error: unknown): boolean {
  const code = (error as grpc.ServiceError).code;
  return code === grpc.status.UNAVAILABLE || code === grpc.status.INTERNAL;
}

/** A fresh buffer is 8-byte aligned, so float views need no further copy. */
function alignedConcat(chunks: readonly Buffer[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
