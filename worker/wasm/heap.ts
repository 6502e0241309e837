/** tfjs-backend-wasm's memory, and our kernels on it. Tensors are addresses there; nothing is copied. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { AppError } from "../../shared/errors.js";
import { WebAssembly } from "../../shared/web-assembly.js";

type Address = number;

/** wasm/index.ts, compiled. */
export interface WasmKernels {
  packedBytes(): number;
  setPacked(address: Address): void;
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
  filterGradient(x: Address, dw: Address, dy: Address, window: Address): void;
  depthwiseInputGradient(dx: Address, w: Address, dy: Address, window: Address): void;
  depthwiseFilterGradient(x: Address, dw: Address, dy: Address, window: Address): void;
  maxPoolGradient(x: Address, dx: Address, dy: Address, window: Address): void;
  meanPoolGradient(dx: Address, dy: Address, window: Address): void;
  sumMiddle(from: Address, to: Address, outer: number, length: number, inner: number, factor: number): void;
  biasAndClip(y: Address, bias: Address, cells: number, channels: number, low: number, high: number): void;
}

/** The parts of the backend's module (emscripten's) that its types leave out. */
interface Module {
  readonly asm: { readonly memory: object };
  readonly HEAPU8: Uint8Array;
  readonly HEAP32: Int32Array;
  _malloc(bytes: number): Address;
}

const kernelsUrl = new URL("./kernels.wasm", import.meta.url);

export class Heap {
  private constructor(
    readonly backend: BackendWasm,
    readonly kernels: WasmKernels,
    /** Of the compiled kernels: other kernels may give other bits. */
    readonly digest: string,
    private readonly module: Module,
    /** Room for the fields of one window. */
    private readonly window: Address,
  ) {}

  static async open(backend: BackendWasm): Promise<Heap> {
    const bytes = await readFile(kernelsUrl);
    const module = backend.wasm as unknown as Module;
    refuseNull(module);
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory: module.asm.memory } });
    const digest = createHash("sha256").update(bytes).digest("hex");
    const kernels = instance.exports as WasmKernels;
    kernels.setPacked(module._malloc(kernels.packedBytes()));
    return new Heap(backend, kernels, digest, module, module._malloc(16 * 4));
  }

  address({ dataId }: TensorInfo): Address {
    return this.backend.dataIdMap.get(dataId).memoryOffset;
  }

  /** A new float32 tensor of zeros. */
  zeros(shape: readonly number[]): TensorInfo {
    const tensor = this.backend.makeOutput([...shape], "float32");
    const address = this.address(tensor);
    this.module.HEAPU8.fill(0, address, address + 4 * sizeOf(shape));
    return tensor;
  }

  /** A copy with the last two axes of `matrices` exchanged: [count, rows, columns] -> [count, columns, rows]. Temporary. */
  withTransposed(matrices: TensorInfo, rows: number, columns: number, use: (copy: Address) => void): void {
    const copy = this.backend.makeOutput(matrices.shape, "float32");
    const count = sizeOf(matrices.shape) / (rows * columns);
    this.kernels.transposeEach(this.address(matrices), this.address(copy), count, rows, columns);
    use(this.address(copy));
    this.backend.disposeData(copy.dataId);
  }

  /** Address of the fields; good until the next call. */
  windowAt(fields: readonly number[]): Address {
    this.module.HEAP32.set(fields, this.window >>> 2);
    return this.window;
  }
}

/** Without this, the backend would write where address 0 points. WebAssembly has 32-bit addresses: 4 GB is the end. */
function refuseNull(module: Module): void {
  const malloc = module._malloc;
  module._malloc = (bytes) => {
    const address = malloc(bytes);
    if (address === 0 && bytes > 0) {
      throw new AppError(
        "ENGINE_FAILED",
        `the wasm engine is out of memory: ${bytes} more bytes do not fit into 4 GB`,
        {
          hint: "Lower the stage's microBatchSize or cropSize, or install TensorFlow (docs/ENGINES.md).",
        },
      );
    }
    return address;
  };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
