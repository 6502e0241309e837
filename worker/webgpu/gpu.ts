/** The parts of WebGPU and of tfjs-backend-webgpu that are used here: Node's types have nothing of the first, tfjs's little of the second. */
import type { DataType, TensorInfo } from "@tensorflow/tfjs";

export interface GpuBuffer {
  readonly size: number;
  readonly usage: number;
  mapAsync(mode: number): Promise<void>;
  getMappedRange(): ArrayBuffer;
  unmap(): void;
  destroy(): void;
}
export interface GpuPipeline {
  getBindGroupLayout(index: number): object;
}
export type GpuBindGroup = object & { readonly label?: string };
export interface GpuPass {
  setPipeline(pipeline: GpuPipeline): void;
  setBindGroup(index: number, group: GpuBindGroup): void;
  dispatchWorkgroups(x: number, y: number, z: number): void;
  end(): void;
}
export interface GpuEncoder {
  beginComputePass(descriptor?: object): GpuPass;
  copyBufferToBuffer(from: GpuBuffer, fromAt: number, to: GpuBuffer, toAt: number, size: number): void;
  resolveQuerySet(set: object, first: number, count: number, to: GpuBuffer, toAt: number): void;
  finish(): object;
}
export interface GpuQueue {
  submit(commands: readonly object[]): void;
  onSubmittedWorkDone(): Promise<void>;
}
export interface GpuDevice {
  readonly features: ReadonlySet<string>;
  readonly queue: GpuQueue;
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  addEventListener(
    type: "uncapturederror",
    listener: (event: { readonly error: { readonly message: string } }) => void,
  ): void;
  createBuffer(descriptor: { size: number; usage: number; mappedAtCreation?: boolean }): GpuBuffer;
  createBindGroup(descriptor: object): GpuBindGroup;
  createShaderModule(descriptor: { readonly code: string }): object;
  createCommandEncoder(): GpuEncoder;
  createQuerySet(descriptor: { type: "timestamp"; count: number }): object;
  destroy(): void;
}

/** Bits of a buffer's usage, as WebGPU's specification numbers them. */
export const bufferUsage = {
  ...{ MAP_READ: 0x1, MAP_WRITE: 0x2, COPY_SRC: 0x4, COPY_DST: 0x8 },
  ...{ UNIFORM: 0x40, STORAGE: 0x80, QUERY_RESOLVE: 0x200 },
} as const;
/** Of float32 and int32. */
export const bytesPerValue = 4;
export const mapMode = { READ: 1, WRITE: 2 } as const;

/** What tfjs's backend knows of a tensor. */
export interface TensorEntry {
  /** As it is stored; a tensor that was cast may say otherwise. */
  readonly dtype: DataType;
  resource: GpuBuffer | null;
  /** Where they are not on the GPU yet. */
  values: ArrayLike<number> | null;
  /** Its buffer is somebody else's. */
  external?: boolean | undefined;
}

export interface BufferManager {
  acquireBuffer(size: number, usage: number, mappedAtCreation?: boolean, reuse?: boolean): GpuBuffer;
  releaseBuffer(buffer: GpuBuffer, reuse?: boolean): void;
}

/** As tfjs makes them (webgpu_program.ts). */
export interface GpuProgram {
  readonly shaderKey: string;
  readonly pipeline: GpuPipeline;
  readonly dispatch: readonly number[];
}

export interface GpuBackend {
  readonly device: GpuDevice;
  readonly queue: GpuQueue;
  readonly commandEncoder: object | null;
  readonly tensorMap: { get(dataId: object): TensorEntry };
  bufferManager: BufferManager;
  nextDataId(): number;
  incRef(dataId: object): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
  uploadToGPU(dataId: { readonly id: number }): void;
  readSync(dataId: object): unknown;
  recordAndSubmit(program: GpuProgram, output: TensorInfo, inputs: readonly TensorInfo[], uniforms?: object): void;
  makeTensorInfo(shape: readonly number[], dtype: DataType, values?: Float32Array): TensorInfo;
  disposeData(dataId: object): boolean;
  runWebGPUProgram(
    program: object,
    inputs: readonly TensorInfo[],
    dtype: DataType,
    uniforms: readonly { readonly type: "int32"; readonly data: readonly number[] }[],
  ): TensorInfo;
}
