/**
 * Numbers too many for memory, in files that have no name: they vanish with the process, however it ends. Nothing here
 * outlives a sitting; what must is in checkpoints.
 */
import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AdamWState } from "../../shared/aggregate/adamw.js";
import { type Floats, MemoryFloats, pagesOf } from "../../shared/aggregate/floats.js";
import { bytesOf } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import type { Wire } from "../../shared/math/wire.js";
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

  /**
   * A model of so many parameters is trained here, and sums come as `wire` says: its state and they lie together from now on, where they
   * are in memory.
   */
  enter(count: number, wire: Wire = "f32"): void {
    if (this.room?.count === count && this.room.wire === wire) return;
    this.room = this.isInMemory(count * 4) ? new FloatRoom(count, wire) : null;
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

async function onDisk<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw AppError.from(error);
  }
}
