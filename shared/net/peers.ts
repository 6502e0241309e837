/** What workers pull from each other: ranges of vectors, straight into their place. */
import * as grpc from "@grpc/grpc-js";
import { bytesOf } from "../codec/digest.js";
import { AppError } from "../errors.js";
import type { Chunk__Output } from "../gen/seedgrow/v1/Chunk.js";
import type { PeersClient, PeersHandlers } from "../gen/seedgrow/v1/Peers.js";
import { chunkBytes, peerIdleMs } from "../limits.js";
import { drained, failStream } from "./streams.js";

/** Null: not held here. */
export interface VectorSource {
  vector(runId: string, name: string): Float32Array | null;
}

export interface VectorRange {
  readonly runId: string;
  readonly name: string;
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

export function peerHandlers(source: VectorSource): PeersHandlers {
  return {
    Pull(call) {
      serve(call, source).catch((error: unknown) => failStream(call, grpc.status.UNKNOWN, String(error)));
    },
  };
}

async function serve(call: Parameters<PeersHandlers["Pull"]>[0], source: VectorSource): Promise<void> {
  const { runId, name, first, end } = call.request;
  const held = () => source.vector(runId, name);
  const vector = held();
  if (!vector || first > end || end > vector.length) {
    failStream(call, grpc.status.NOT_FOUND, `no numbers ${first} to ${end} of ${name}`);
    return;
  }
  const bytes = bytesOf(vector.subarray(first, end));
  for (let at = 0; at < bytes.length && !call.cancelled; at += chunkBytes) {
    // A vector that changes under its reader is another one.
    if (held() !== vector) {
      failStream(call, grpc.status.NOT_FOUND, `${name} is gone`);
      return;
    }
    const data = Buffer.from(bytes.buffer, bytes.byteOffset + at, Math.min(chunkBytes, bytes.length - at));
    if (!call.write({ data })) await drained(call);
  }
  call.end();
}

/**
 * Pulls a range into `target`, which is as long. Resolves with the bytes that came.
 * @throws AppError MESSAGE_INVALID when they are more or fewer; a ServiceError when the peer has them not, cannot be
 * reached, or sends nothing for `peerIdleMs`.
 */
export async function pullVector(
  client: PeersClient,
  range: VectorRange,
  target: Float32Array,
  signal: AbortSignal,
): Promise<number> {
  const bytes = bytesOf(target);
  let received = 0;
  await new Promise<void>((resolve, reject) => {
    const call = client.Pull(range);
    const abort = () => call.cancel();
    const idle = setTimeout(abort, peerIdleMs);
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    const finish = (error?: Error) => {
      clearTimeout(idle);
      signal.removeEventListener("abort", abort);
      if (error) reject(error);
      else resolve();
    };
    call.on("data", ({ data }: Chunk__Output) => {
      idle.refresh();
      if (received + data.length <= bytes.length) bytes.set(data, received);
      received += data.length;
    });
    call.on("error", finish);
    call.on("end", () => finish());
  });
  if (received !== bytes.length)
    throw new AppError("MESSAGE_INVALID", `${range.name} came as ${received} bytes, not ${bytes.length}`);
  return received;
}
