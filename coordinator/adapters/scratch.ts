/**
 * Numbers too many for memory, in files that have no name: they vanish with the process, however it ends. Nothing here
 * outlives a sitting; what must is in checkpoints.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AdamWState } from "../../shared/aggregate/adamw.js";
import { type Floats, MemoryFloats, pageFloats, pagesOf } from "../../shared/aggregate/floats.js";
import { bytesOf, type Digest } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import { blobBytesMax } from "../../shared/limits.js";
import {
  bodyOf,
  byteOffset,
  decodeInto,
  sumBytes,
  sumLengthIn,
  sumTailFloats,
  type Wire,
} from "../../shared/math/wire.js";
import { type BlobPeer, pullNumbers, pullNumbersInto } from "../../shared/net/blob-lines.js";
import type { BlobTarget } from "../../shared/net/blobs.js";
import { readFully } from "./files.js";
import { FloatRoom } from "./float-room.js";

export class Scratch {
  private readonly files = new Set<FileFloats>();
  private room: FloatRoom | null = null;

  constructor(
    private readonly dir: string,
    /** More than this goes to a file. */
    private readonly memoryBytesMax: number,
  ) {}

  isInMemory(bytes: number): boolean {
    return bytes <= this.memoryBytesMax;
  }

  /** A model of so many parameters is trained here: its state and sums lie together from now on, where they are in memory. */
  enter(count: number): void {
    if (this.room?.count === count) return;
    this.room = this.isInMemory(count * 4) ? new FloatRoom(count) : null;
  }

  /** All zero. @throws AppError DISK_FULL */
  async floats(length: number): Promise<Floats> {
    if (!this.isInMemory(length * 4)) return this.file(length);
    const floats = this.memory(length);
    floats.values.fill(0);
    return floats;
  }

  /** Whatever is in them must be overwritten. */
  memory(length: number): MemoryFloats {
    return this.room?.take(length) ?? new MemoryFloats(new Float32Array(length));
  }

  /** The same numbers where the model in training lies, where there is room; whoever is done with them there closes them. */
  placedInMemory(values: Float32Array): MemoryFloats {
    const placed = this.room?.take(values.length);
    placed?.values.set(values);
    return placed ?? new MemoryFloats(values);
  }

  /** As `placedInMemory`; `floats` is used up. */
  async placed(floats: Floats): Promise<Floats> {
    const placed = this.isInMemory(floats.length * 4) ? this.room?.take(floats.length) : null;
    if (!placed) return floats;
    for (const [at, end] of pagesOf(floats.length)) placed.values.set(await floats.page(at, end), at);
    await floats.close();
    return placed;
  }

  /** What an optimiser of so many parameters begins with. @throws AppError DISK_FULL */
  async moments(count: number): Promise<AdamWState> {
    return { steps: 0, first: await this.floats(count), second: await this.floats(count) };
  }

  /** @throws AppError DISK_FULL */
  async file(length: number): Promise<FileFloats> {
    return onDisk(async () => {
      await mkdir(this.dir, { recursive: true });
      const path = join(this.dir, randomUUID());
      const handle = await open(path, "wx+", 0o600);
      await rm(path);
      await handle.truncate(length * 4);
      const floats: FileFloats = new FileFloats(handle, length, () => this.files.delete(floats));
      this.files.add(floats);
      return floats;
    });
  }

  /** Closes what nobody has closed. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.files].map((floats) => floats.close()));
  }
}

export class FileFloats implements Floats {
  private buffer: Float32Array | null = null;

  constructor(
    private readonly handle: FileHandle,
    readonly length: number,
    private readonly onClose: () => void,
  ) {}

  async page(at: number, end: number): Promise<Float32Array> {
    if (!this.buffer || this.buffer.length < end - at) this.buffer = new Float32Array(end - at);
    const page = this.buffer.subarray(0, end - at);
    if (!(await readFully(this.handle, bytesOf(page), at * 4)))
      throw new AppError("INTERNAL", "a scratch file is shorter than it was made");
    return page;
  }

  async put(at: number, page: Float32Array): Promise<void> {
    await this.write(bytesOf(page), at * 4);
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    await onDisk(async () => {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
      }
    });
  }

  async close(): Promise<void> {
    this.onClose();
    await this.handle.close();
  }
}

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

/** What a pulled sum is decoded into as it arrives. */
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
    await pullNumbersInto(worker, digest, target, () => target.finish());
    return floats;
  } catch (error) {
    await floats.close();
    throw error;
  }
}

async function pullToMemory(worker: BlobPeer, digest: Digest, floats: MemoryFloats): Promise<Floats> {
  const into = bytesOf(floats.values);
  try {
    await pullNumbers(worker, digest, { bytes: into.length, room: () => into });
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
  const floats = scratch.isInMemory(length * 4) ? scratch.memory(length) : await scratch.file(length);
  try {
    const target = new SumTarget(floats, wire);
    await pullNumbersInto(worker, output.digest, target, () => target.finish());
    return floats;
  } catch (error) {
    await floats.close();
    throw error;
  }
}

async function onDisk<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw AppError.from(error);
  }
}
