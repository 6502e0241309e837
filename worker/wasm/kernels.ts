/** wasm/index.ts, compiled: an instance of it for every thread, all on one memory. */
import { type WasmMemory, WebAssembly } from "../../shared/web-assembly.js";

export type Address = number;

export interface WasmKernels {
  /** Of the place where a call is written down for all threads; zeros at first. */
  jobBytes(): number;
  /** Of a thread's own room. */
  roomBytes(): number;
  join(job: Address, threads: number, room: Address): void;
  /** Never returns. */
  help(): void;
  fail(): void;
  /** Parts of kernels' work that other threads have done so far. */
  helpedParts(): number;
  gemm(
    ...args: [
      ...[a: Address, aRow: number, aColumn: number],
      ...[b: Address, bRow: number],
      ...[c: Address, cRow: number],
      ...[m: number, n: number, k: number],
    ]
  ): void;
  transposeEach(from: Address, to: Address, count: number, rows: number, columns: number): void;
  convolution(x: Address, w: Address, y: Address, window: Address): void;
  inputGradient(dx: Address, w: Address, dy: Address, window: Address): void;
  filterGradient(x: Address, dw: Address, dy: Address, window: Address, groups: number): void;
  depthwiseInputGradient(dx: Address, w: Address, dy: Address, window: Address): void;
  depthwiseFilterGradient(x: Address, dw: Address, dy: Address, window: Address): void;
  maxPoolGradient(x: Address, dx: Address, dy: Address, window: Address): void;
  meanPoolGradient(dx: Address, dy: Address, window: Address): void;
  sumMiddle(from: Address, to: Address, outer: number, length: number, inner: number, factor: number): void;
  biasAndClip(y: Address, bias: Address, cells: number, channels: number, low: number, high: number): void;
  reluGradient(dy: Address, y: Address, dx: Address, count: number, ceiling: number): void;
  sign(x: Address, y: Address, count: number): void;
}

/** What a thread needs that takes parts in the kernels' work. */
export interface HelperSetup {
  readonly program: object;
  readonly memory: WasmMemory<SharedArrayBuffer>;
  readonly job: Address;
  /** How many there are, the calling one among them. */
  readonly threads: number;
  readonly room: Address;
}

export function instanceOf({ program, memory }: Pick<HelperSetup, "program" | "memory">): WasmKernels {
  return new WebAssembly.Instance(program, { env: { memory } }).exports as WasmKernels;
}
