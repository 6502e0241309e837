/** Sums and state that workers hold, pulled to memory or to files (scratch.ts). */
import { type Floats, type MemoryFloats, pageFloats } from "../../shared/aggregate/floats.js";
import { bytesOf, type Digest } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import { blobBytesMax } from "../../shared/limits.js";
import {
  bodyOf,
  byteOffset,
  decodeInto,
  type Encoded,
  sumBytes,
  sumLengthIn,
  sumTailFloats,
  type Wire,
} from "../../shared/math/wire.js";
import { type BlobPeer, pullBlob, pullBlobInto } from "../../shared/net/blob-lines.js";
import type { BlobTarget } from "../../shared/net/blobs.js";
import { PackedFloats } from "./packed-floats.js";
import type { FileFloats, Scratch } from "./scratch.js";

/** What a pulled blob is written to as it arrives. */
class FileTarget implements BlobTarget {
  received = 0;

  constructor(private readonly floats: FileFloats) {}

  async add(data: Buffer): Promise<void> {
    if (this.received + data.length > this.floats.length * 4) throw this.wrongLength("more than");
    await this.floats.write(data, this.received);
    this.received += data.length;
  }

  finish(): void {
    if (this.received < this.floats.length * 4) throw this.wrongLength(`${this.received}, not`);
  }

  private wrongLength(found: string): AppError {
    return new AppError(
      "MESSAGE_INVALID",
      `a sum has ${found} the ${this.floats.length * 4} bytes it was said to have`,
    );
  }
}

/** What a pulled sum that goes to a file is decoded into as it arrives. */
class SumTarget implements BlobTarget {
  received = 0;
  /** Bytes that are not a whole page yet. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private decoded = 0;

  constructor(
    private readonly floats: Floats,
    private readonly wire: Wire,
  ) {}

  async add(data: Buffer): Promise<void> {
    if (this.received + data.length > sumBytes(this.wire, this.floats.length)) throw this.wrongLength();
    this.received += data.length;
    this.waiting.push(data);
    this.waitingBytes += data.length;
    if (this.waitingBytes >= this.bytesTo(this.pageEnd)) await this.decode();
  }

  /** The last bytes have made the last page whole. */
  finish(): void {
    if (this.received < sumBytes(this.wire, this.floats.length)) throw this.wrongLength();
  }

  private get pageEnd(): number {
    return Math.min(this.decoded + pageFloats, this.floats.length);
  }

  /** From what is decoded. */
  private bytesTo(end: number): number {
    const body = this.floats.length - sumTailFloats;
    return byteOffset(this.wire, body, end) - byteOffset(this.wire, body, this.decoded);
  }

  private async decode(): Promise<void> {
    const { length } = this.floats;
    let bytes: Buffer = Buffer.concat(this.waiting);
    while (this.decoded < length && bytes.length >= this.bytesTo(this.pageEnd)) {
      const [at, end] = [this.decoded, this.pageEnd];
      const page = await this.floats.page(at, end);
      const taken = this.bytesTo(end);
      decodeInto(this.wire, bytes.subarray(0, taken), bodyOf(at, end, length), page);
      await this.floats.put(at, page);
      bytes = bytes.subarray(taken);
      this.decoded = end;
    }
    this.waiting = [bytes];
    this.waitingBytes = bytes.length;
  }

  private wrongLength(): AppError {
    return new AppError(
      "MESSAGE_INVALID",
      `a sum of ${this.floats.length} numbers has other bytes than it was said to have`,
    );
  }
}

/**
 * Numbers that a worker holds as a blob: to memory, or to a file where they are many.
 * @throws AppError MESSAGE_INVALID when it is longer or shorter than was said.
 */
export async function pullFloats(
  worker: BlobPeer,
  { digest, bytes }: { readonly digest: Digest; readonly bytes: number },
  scratch: Scratch,
): Promise<Floats> {
  if (bytes % 4 !== 0 || bytes > blobBytesMax)
    throw new AppError(
      "MESSAGE_INVALID",
      `a sum is said to have ${bytes} bytes (a multiple of 4, at most ${blobBytesMax})`,
    );
  if (scratch.isInMemory(bytes)) return pullToMemory(worker, digest, scratch.memory(bytes / 4));
  const floats = await scratch.file(bytes / 4);
  try {
    const target = new FileTarget(floats);
    await pullBlobInto(worker, digest, target, () => target.finish());
    return floats;
  } catch (error) {
    await floats.close();
    throw error;
  }
}

async function pullToMemory(worker: BlobPeer, digest: Digest, floats: MemoryFloats): Promise<Floats> {
  const into = bytesOf(floats.values);
  try {
    await pullBlob(worker, digest, { bytes: into.length, room: () => into });
    return floats;
  } catch (error) {
    await floats.close();
    throw error;
  }
}

/** The same of a sum, which comes as `wire` says. */
export async function pullSum(
  worker: BlobPeer,
  output: { readonly digest: Digest; readonly bytes: number },
  wire: Wire,
  scratch: Scratch,
): Promise<Floats> {
  if (wire === "f32") return pullFloats(worker, output, scratch);
  const length = output.bytes > blobBytesMax ? -1 : sumLengthIn(wire, output.bytes);
  if (length < 0)
    throw new AppError("MESSAGE_INVALID", `no sum has ${output.bytes} bytes as ${wire} (at most ${blobBytesMax})`);
  if (scratch.isInMemory(length * 4)) return pullPacked(worker, output.digest, { wire, length }, scratch);
  const floats = await scratch.file(length);
  try {
    const target = new SumTarget(floats, wire);
    await pullBlobInto(worker, output.digest, target, () => target.finish());
    return floats;
  } catch (error) {
    await floats.close();
    throw error;
  }
}

/** It stays as it has travelled. */
async function pullPacked(
  worker: BlobPeer,
  digest: Digest,
  { wire, length }: Pick<Encoded, "wire" | "length">,
  scratch: Scratch,
): Promise<Floats> {
  const bytes = sumBytes(wire, length);
  const [packed, page] = [scratch.memory(Math.ceil(bytes / 4)), scratch.memory(Math.min(pageFloats, length))];
  const into = bytesOf(packed.values).subarray(0, bytes);
  const encoded = { wire, body: length - sumTailFloats, length, bytes: into };
  const floats = new PackedFloats(encoded, page.values, () => Promise.all([packed.close(), page.close()]));
  try {
    await pullBlob(worker, digest, { bytes, room: () => into });
    return floats;
  } catch (error) {
    await floats.close();
    throw error;
  }
}
