/** The way of a recorded function's results back (replay.ts), through memory that processor and GPU share and that stays for the next time. */
import { assert } from "../../shared/assert.js";
import { bufferUsage, bytesPerValue, type GpuBackend, type GpuBuffer, mapMode } from "./gpu.js";
import { runsOf } from "./runs.js";

/** One of the results that lie one behind the other. */
export interface Part {
  readonly buffer: GpuBuffer;
  readonly bytes: number;
  /** How many dispatches are sent before it is there. */
  readonly after: number;
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

/** A run of results, which comes back while the GPU still computes others. */
interface Chunk {
  readonly parts: readonly Part[];
  readonly after: number;
  /** Where it lies among all. */
  readonly first: number;
}

/** tfjs takes new memory for each result, which the system hands out page by page: of 98 MB that took twice as long as computing them. */
export class ReadBack {
  /** In the order in which they are there. */
  private readonly chunks: readonly Chunk[];
  private readonly staging = new Map<Chunk, GpuBuffer>();
  private isPending = false;

  constructor(
    private readonly backend: GpuBackend,
    parts: readonly Part[],
  ) {
    this.chunks = chunksOf(parts).sort((a, b) => a.after - b.after);
  }

  begin(): Fetch {
    assert(!this.isPending, "the results of the last time are fetched before the next");
    this.isPending = true;
    const mapped: Promise<void>[] = [];
    return {
      after: (sent) => {
        for (const chunk of this.chunks.slice(mapped.length)) if (chunk.after <= sent) mapped.push(this.copied(chunk));
      },
      into: async (target) => {
        for (const [i, { parts, first }] of this.chunks.entries()) {
          await mapped[i];
          const staging = this.staging.get(this.chunks[i]!)!;
          target.set(new Float32Array(staging.getMappedRange(), 0, bytesOf(parts) / bytesPerValue), first);
          staging.unmap();
        }
        this.isPending = false;
      },
    };
  }

  dispose(): void {
    for (const buffer of this.staging.values()) buffer.destroy();
    this.staging.clear();
  }

  /** When the processor can read it. */
  private copied(chunk: Chunk): Promise<void> {
    const staging = this.staging.get(chunk) ?? this.create(bytesOf(chunk.parts));
    this.staging.set(chunk, staging);
    copyParts(this.backend, chunk.parts, staging);
    const mapped = staging.mapAsync(mapMode.READ);
    // Whoever waits for the ones before hears why first.
    mapped.catch(() => undefined);
    return mapped;
  }

  private create(size: number): GpuBuffer {
    return this.backend.device.createBuffer({ size, usage: bufferUsage.MAP_READ | bufferUsage.COPY_DST });
  }
}

export interface Fetch {
  /** Call whenever so many dispatches have been sent. */
  readonly after: (sent: number) => void;
  /** Puts the results one behind the other, when they are there. Call after the last dispatch, and before the next time. */
  readonly into: (target: Float32Array) => Promise<void>;
}

function chunksOf(parts: readonly Part[]): Chunk[] {
  let first = 0;
  return runsOf(parts, ({ bytes }) => bytes).map((run) => {
    const chunk = { parts: run, after: Math.max(...run.map(({ after }) => after)), first };
    first += bytesOf(run) / bytesPerValue;
    return chunk;
  });
}
