/** The GPU's memory behind recorded functions (replay.ts), in place of the buffers that tfjs's backend hands around. */
import { type BufferManager, bufferUsage, type GpuBuffer, type GpuDevice } from "./gpu.js";

/**
 * What results in between lie in. Recordings run one after the other and none of them reads what another has left, so all
 * of them share these.
 */
export class ScratchBuffers {
  private readonly bySize = new Map<string, GpuBuffer[]>();
  private users = 0;

  constructor(private readonly device: GpuDevice) {}

  /** One that `taken` does not have. */
  take(size: number, usage: number, taken: ReadonlySet<GpuBuffer>): GpuBuffer {
    const key = `${size} ${usage}`;
    const known = this.bySize.get(key) ?? [];
    this.bySize.set(key, known);
    const free = known.find((buffer) => !taken.has(buffer));
    if (free) return free;
    const buffer = this.device.createBuffer({ size, usage });
    known.push(buffer);
    return buffer;
  }

  enter(): void {
    this.users++;
  }

  /** After the last one the memory goes back. */
  leave(): void {
    if (--this.users > 0) return;
    for (const buffers of this.bySize.values()) for (const buffer of buffers) buffer.destroy();
    this.bySize.clear();
  }
}

/** Of one recording. */
export class RecordingBuffers implements BufferManager {
  numBytesUsed = 0;
  numBytesAllocated = 0;
  /** Uniforms and constants: written while it was recorded, never again. */
  private readonly constants = new Set<GpuBuffer>();
  private readonly inUse = new Set<GpuBuffer>();
  private readonly used = new Set<GpuBuffer>();

  constructor(
    private readonly device: GpuDevice,
    private readonly scratch: ScratchBuffers,
  ) {
    scratch.enter();
  }

  acquireBuffer(size: number, usage: number, mappedAtCreation = false): GpuBuffer {
    if (mappedAtCreation || (usage & bufferUsage.UNIFORM) !== 0) {
      const buffer = this.device.createBuffer({ size, usage, mappedAtCreation });
      this.constants.add(buffer);
      return buffer;
    }
    const buffer = this.scratch.take(size, usage, this.inUse);
    this.inUse.add(buffer);
    this.used.add(buffer);
    return buffer;
  }

  releaseBuffer(buffer: GpuBuffer): void {
    this.inUse.delete(buffer);
  }

  owns(buffer: GpuBuffer): boolean {
    return this.constants.has(buffer) || this.used.has(buffer);
  }

  done(): void {
    this.inUse.clear();
    this.used.clear();
  }

  dispose(): void {
    for (const buffer of this.constants) buffer.destroy();
    this.constants.clear();
    this.scratch.leave();
  }
}
