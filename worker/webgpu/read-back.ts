/** The way of a recorded function's results back (replay.ts), through memory that processor and GPU share and that stays for the next time. */
import { assert } from "../../shared/assert.js";
import { bufferUsage, type GpuBackend, type GpuBuffer, mapMode } from "./gpu.js";

/** One of the results that lie one behind the other. */
export interface Part {
  readonly buffer: GpuBuffer;
  readonly bytes: number;
}

export function bytesOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}

export function copyParts({ device, queue }: GpuBackend, parts: readonly Part[], to: GpuBuffer): void {
  const encoder = device.createCommandEncoder();
  let at = 0;
  for (const { buffer, bytes } of parts) {
    encoder.copyBufferToBuffer(buffer, 0, to, at, bytes);
    at += bytes;
  }
  queue.submit([encoder.finish()]);
}

/** tfjs takes new memory for each result, which the system hands out page by page: of 98 MB that took twice as long as computing them. */
export class ReadBack {
  private staging: GpuBuffer | null = null;
  private isPending = false;

  constructor(
    private readonly backend: GpuBackend,
    private readonly parts: readonly Part[],
  ) {}

  /** Call when the work is sent. What it returns waits for the results and puts them into an array; call that before the next time. */
  begin(): (target: Float32Array) => Promise<void> {
    assert(!this.isPending, "the results of the last time are fetched before the next");
    this.isPending = true;
    this.staging ??= this.backend.device.createBuffer({
      size: bytesOf(this.parts),
      usage: bufferUsage.MAP_READ | bufferUsage.COPY_DST,
    });
    const { staging } = this;
    copyParts(this.backend, this.parts, staging);
    const mapped = staging.mapAsync(mapMode.READ);
    return async (target) => {
      await mapped;
      target.set(new Float32Array(staging.getMappedRange()));
      staging.unmap();
      this.isPending = false;
    };
  }

  dispose(): void {
    this.staging?.destroy();
  }
}
