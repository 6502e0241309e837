/** Where a recorded function (replay.ts) finds its inputs: buffers of its own, filled before every run. */
import { assert } from "../../shared/assert.js";
import type { Tensor } from "../segmentation/tf.js";
import {
  bufferUsage,
  bytesPerValue,
  type GpuBackend,
  type GpuBuffer,
  type GpuEncoder,
  mapMode,
  type TensorEntry,
} from "./gpu.js";
import { runsOf } from "./runs.js";

/** Inputs that are filled together, those that are needed later while the GPU already computes. */
interface Wave {
  /** The first dispatch that reads one of them. */
  readonly before: number;
  readonly inputs: number[];
  readonly staging: StagingBuffers;
}

export class FixedInputs {
  private readonly buffers: GpuBuffer[];
  /** What lies there now: parameters stay for all micro-batches of a step. */
  private readonly filledFrom: (object | null)[];
  private readonly replaced: { readonly entry: TensorEntry; readonly was: Partial<TensorEntry> }[];
  private waves: readonly Wave[] = [];

  /** Puts the buffers in the tensors' place, so that what is recorded reads from them. */
  constructor(
    private readonly backend: GpuBackend,
    inputs: readonly Tensor[],
  ) {
    const usage = bufferUsage.STORAGE | bufferUsage.COPY_SRC | bufferUsage.COPY_DST;
    this.buffers = inputs.map(({ size }) => backend.device.createBuffer({ size: size * bytesPerValue, usage }));
    this.filledFrom = inputs.map(() => null);
    this.replaced = inputs.map(({ dataId }, i) => {
      const entry = backend.tensorMap.get(dataId);
      const { resource, values, external } = entry;
      Object.assign(entry, { resource: this.buffers[i]!, values: null, external: true });
      return { entry, was: { resource, values, external } };
    });
  }

  giveBack(): void {
    // Backwards: two inputs may be one tensor.
    for (const { entry, was } of this.replaced.splice(0).reverse()) Object.assign(entry, was);
  }

  owns(buffer: GpuBuffer): boolean {
    return this.buffers.includes(buffer);
  }

  /** `firstReads`: for each input the first dispatch that reads it. */
  plan(firstReads: readonly number[]): void {
    const order = [...firstReads.keys()].sort((a, b) => firstReads[a]! - firstReads[b]!);
    const sizeOf = (input: number) => this.buffers[input]!.size;
    this.waves = runsOf(order, sizeOf).map((inputs) => {
      const size = inputs.reduce((sum, input) => sum + sizeOf(input), 0);
      return { before: firstReads[inputs[0]!]!, inputs, staging: new StagingBuffers(this.backend, size) };
    });
  }

  /** Call what it returns before each run of dispatches, with the end of that. */
  filling(inputs: readonly Tensor[]): (end: number) => void {
    assert(inputs.length === this.buffers.length, "a recorded function has as many inputs as when it was recorded");
    let filled = 0;
    return (end) => {
      for (; filled < this.waves.length && this.waves[filled]!.before < end; filled++)
        this.fill(inputs, this.waves[filled]!);
    };
  }

  dispose(): void {
    for (const buffer of this.buffers) buffer.destroy();
    for (const { staging } of this.waves) staging.dispose();
  }

  private fill(inputs: readonly Tensor[], wave: Wave): void {
    const { device, queue, tensorMap } = this.backend;
    const encoder = device.createCommandEncoder();
    const uploaded: number[] = [];
    for (const i of wave.inputs) {
      const { dataId } = inputs[i]!;
      if (this.filledFrom[i] === dataId) continue;
      this.filledFrom[i] = dataId;
      const { resource } = tensorMap.get(dataId);
      if (resource) encoder.copyBufferToBuffer(resource, 0, this.buffers[i]!, 0, this.buffers[i]!.size);
      else uploaded.push(i);
    }
    if (uploaded.length > 0) this.upload(encoder, inputs, uploaded, wave.staging);
    queue.submit([encoder.finish()]);
    wave.staging.afterSubmit();
  }

  /** Values that are not on the GPU yet, all through one piece of memory. */
  private upload(
    encoder: GpuEncoder,
    inputs: readonly Tensor[],
    which: readonly number[],
    staging: StagingBuffers,
  ): void {
    const { buffer, floats, ints } = staging.open();
    let at = 0;
    for (const i of which) {
      const { values } = this.backend.tensorMap.get(inputs[i]!.dataId);
      const { size } = this.buffers[i]!;
      (inputs[i]!.dtype === "float32" ? floats : ints).set(values!, at / bytesPerValue);
      encoder.copyBufferToBuffer(buffer, at, this.buffers[i]!, 0, size);
      at += size;
    }
    buffer.unmap();
  }
}

interface Mapped {
  readonly buffer: GpuBuffer;
  readonly floats: Float32Array;
  readonly ints: Int32Array;
}

/**
 * Memory that processor and GPU share. A new piece is slow to come by (the system hands it out page by page), so that one is
 * taken again as soon as the GPU has read it; only where that is too late there is another.
 */
class StagingBuffers {
  private readonly mapped: GpuBuffer[] = [];
  private readonly all = new Set<GpuBuffer>();
  private sent: GpuBuffer | null = null;

  constructor(
    private readonly backend: GpuBackend,
    private readonly size: number,
  ) {}

  open(): Mapped {
    const buffer = this.mapped.pop() ?? this.create();
    this.sent = buffer;
    const range = buffer.getMappedRange();
    return { buffer, floats: new Float32Array(range), ints: new Int32Array(range) };
  }

  afterSubmit(): void {
    const { sent } = this;
    if (!sent) return;
    this.sent = null;
    // Rejected where the device is lost or the buffer is gone: nobody needs it any more.
    sent.mapAsync(mapMode.WRITE).then(
      () => this.mapped.push(sent),
      () => this.all.delete(sent),
    );
  }

  dispose(): void {
    for (const buffer of this.all) buffer.destroy();
    this.all.clear();
    this.mapped.length = 0;
  }

  private create(): GpuBuffer {
    const usage = bufferUsage.MAP_WRITE | bufferUsage.COPY_SRC;
    const buffer = this.backend.device.createBuffer({ size: this.size, usage, mappedAtCreation: true });
    this.all.add(buffer);
    return buffer;
  }
}
