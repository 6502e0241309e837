/** One kernel on inputs of random numbers: what it computes, what it moves, how long it takes. */
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import type { MathMode } from "../../shared/config/method.js";
import { flopsOf } from "../../worker/engine/flops.js";
import type { Program } from "../../worker/segmentation/compiled.js";
import type { Tensor, Tf } from "../../worker/segmentation/tf.js";
import type { GpuBackend } from "../../worker/webgpu/gpu.js";
import { type Dispatch, replayCompiler } from "../../worker/webgpu/replay.js";
import { gpuTimes, wholeMs } from "./timing.js";

const warmMs = 50;

type Shaped = Pick<TensorInfo, "shape" | "dtype">;

export interface Call {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, Shaped>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly output: Shaped;
  /** Of what is neither a convolution nor a product of matrices. */
  readonly flops?: number;
}

export function flopsOfCall({ kernel, inputs, attributes, output, flops }: Call): number {
  return flops ?? flopsOf(kernel, inputs, attributes, output.shape);
}

/** Every input read and the output written once. */
export function bytesOfCall({ inputs, output }: Call): number {
  const cells = ({ shape }: Shaped) => shape.reduce((product, side) => product * side, 1);
  return 4 * [...Object.values(inputs), output].reduce((sum, one) => sum + cells(one), 0);
}

/** A kernel recorded, so that nothing but the GPU's work is timed. */
export class RecordedCall {
  private constructor(
    private readonly tf: Tf,
    private readonly program: Program,
    private readonly dispatches: readonly Dispatch[],
  ) {}

  static async of(tf: Tf, call: Call, kernel: KernelFunc, math: MathMode): Promise<RecordedCall> {
    let dispatches: readonly Dispatch[] = [];
    const compile = replayCompiler(tf, (made) => {
      dispatches = made;
    });
    const program = await compile(() => {
      const inputs = inputsOf(tf, call);
      const value = () => {
        const results = kernel({ inputs: inputs as never, attrs: call.attributes as never, backend: tf.backend() });
        return [results].flat().map((one) => tf.engine().makeTensorFromTensorInfo(one as TensorInfo))[0]!;
      };
      return { inputs: Object.values(inputs), value, math };
    });
    tf.tidy(() => void program.run(Object.values(inputsOf(tf, call))));
    return new RecordedCall(tf, program, dispatches);
  }

  /** Milliseconds on the GPU. @param isWhole repeated without a clock in between */
  async ms(isWhole: boolean): Promise<number> {
    const backend = this.tf.backend() as unknown as GpuBackend;
    if (isWhole) return wholeMs(backend, this.dispatches);
    const times = await gpuTimes(backend, this.dispatches);
    return times.reduce((sum, ms) => sum + ms, 0);
  }

  /** A GPU that has rested takes a while until its clock is up. */
  async warm(): Promise<void> {
    const startedMs = performance.now();
    while (performance.now() - startedMs < warmMs)
      await wholeMs(this.tf.backend() as unknown as GpuBackend, this.dispatches);
  }

  dispose(): void {
    this.program.dispose();
  }
}

function inputsOf(tf: Tf, { inputs }: Call): Record<string, Tensor> {
  const entries = Object.entries(inputs).map(([name, { shape, dtype }], i) => {
    return [name, tf.randomUniform(shape, -1, 1, dtype as "float32", i + 1)] as const;
  });
  return Object.fromEntries(entries);
}
