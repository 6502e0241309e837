/** tfjs-backend-wasm's memory, and our kernels on it. Tensors are addresses there; nothing is copied. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import type { TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { AppError } from "../../shared/errors.js";
import { type WasmMemory, WebAssembly } from "../../shared/web-assembly.js";
import { type Address, type HelperSetup, instanceOf, type WasmKernels } from "./kernels.js";

/** The parts of the backend's module (emscripten's) that its types leave out. */
interface Module {
  readonly asm: { readonly memory: WasmMemory<SharedArrayBuffer> };
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

  /** `threads`: how many take parts of the kernels' work. Changes no bit. */
  static async open(backend: BackendWasm, threads: number): Promise<Heap> {
    const bytes = await readFile(kernelsUrl);
    const module = backend.wasm as unknown as Module;
    refuseNull(module);
    const digest = createHash("sha256").update(bytes).digest("hex");
    const kernels = openTeam(new WebAssembly.Module(bytes), module, threads);
    return new Heap(backend, kernels, digest, module, module._malloc(16 * 4));
  }

  address({ dataId }: TensorInfo): Address {
    return this.backend.dataIdMap.get(dataId).memoryOffset;
  }

  /** A new float32 tensor, whatever lay there before. */
  room(shape: readonly number[]): TensorInfo {
    return this.backend.makeOutput([...shape], "float32");
  }

  zeros(shape: readonly number[]): TensorInfo {
    const tensor = this.room(shape);
    const address = this.address(tensor);
    this.module.HEAPU8.fill(0, address, address + 4 * sizeOf(shape));
    return tensor;
  }

  /** Room for a while. */
  withRoom(shape: readonly number[], use: (address: Address) => void): void {
    const room = this.room(shape);
    use(this.address(room));
    this.backend.disposeData(room.dataId);
  }

  /** A copy with the last two axes of `matrices` exchanged: [count, rows, columns] -> [count, columns, rows]. Temporary. */
  withTransposed(matrices: TensorInfo, rows: number, columns: number, use: (copy: Address) => void): void {
    const count = sizeOf(matrices.shape) / (rows * columns);
    this.withRoom(matrices.shape, (copy) => {
      this.kernels.transposeEach(this.address(matrices), copy, count, rows, columns);
      use(copy);
    });
  }

  /** Address of the fields; good until the next call. */
  windowAt(fields: readonly number[]): Address {
    this.module.HEAP32.set(fields, this.window >>> 2);
    return this.window;
  }
}

/** Starts all threads but this one. They come in when they are ready: nobody waits for them. */
function openTeam(program: object, module: Module, threads: number): WasmKernels {
  const { memory } = module.asm;
  const kernels = instanceOf({ program, memory });
  const [jobBytes, roomBytes] = [kernels.jobBytes(), kernels.roomBytes()];
  const job = module._malloc(jobBytes);
  module.HEAPU8.fill(0, job, job + jobBytes);
  const rooms = module._malloc(threads * roomBytes);
  kernels.join(job, threads, rooms);
  for (let thread = 1; thread < threads; thread++) {
    const workerData: HelperSetup = { program, memory, job, threads, room: rooms + thread * roomBytes };
    // One that fails ends this thread as well; one that is idle keeps no process alive.
    new Worker(new URL("./helper.js", import.meta.url), { workerData }).unref();
  }
  return kernels;
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
