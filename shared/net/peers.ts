/** What workers pull from each other: ranges of vectors, straight into their place. */
import * as grpc from "@grpc/grpc-js";
import { AppError } from "../errors.js";
import type { Chunk__Output } from "../gen/seedgrow/v1/Chunk.js";
import type { PeersClient, PeersHandlers } from "../gen/seedgrow/v1/Peers.js";
import { chunkBytes, peerIdleMs } from "../limits.js";
import { byteOffset, type Encoded, isCut } from "../math/wire.js";
import { drained, failStream } from "./streams.js";

export interface VectorSource {
  /** The same object as long as its numbers are the same. Null: not held here. */
  vector(runId: string, name: string): Encoded | null;
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
  if (!vector || first > end || end > vector.length || !areCuts(vector, first, end)) {
    failStream(call, grpc.status.NOT_FOUND, `no numbers ${first} to ${end} of ${name}`);
    return;
  }
  const { wire, body } = vector;
  const bytes = vector.bytes.subarray(byteOffset(wire, body, first), byteOffset(wire, body, end));
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

function areCuts({ wire, body }: Encoded, first: number, end: number): boolean {
  return isCut(wire, body, first) && isCut(wire, body, end);
}

/**
 * Pulls a range, as it is encoded, into `target`, which is as long. Resolves with the bytes that came.
 * @throws AppError MESSAGE_INVALID when they are more or fewer; a ServiceError when the peer has them not, cannot be
 * reached, or sends nothing for `peerIdleMs`.
 */
export async function pullVector(
  client: PeersClient,
  range: VectorRange,
  target: Uint8Array,
  signal: AbortSignal,
): Promise<number> {
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
      if (received + data.length <= target.length) target.set(data, received);
      received += data.length;
    });
    call.on("error", finish);
    call.on("end", () => finish());
  });
  if (received !== target.length)
    throw new AppError("MESSAGE_INVALID", `${range.name} came as ${received} bytes, not ${target.length}`);
  return received;
}
