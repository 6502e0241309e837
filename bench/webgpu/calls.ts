/** The kernels that a piece of work calls, and the time that each of them takes alone. */
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import { flopsOf } from "../../worker/engine/flops.js";
import type { Tensor, Tf } from "../../worker/segmentation/tf.js";

type Shaped = Pick<TensorInfo, "shape" | "dtype">;

export interface Call {
  readonly kernel: string;
  readonly inputs: Readonly<Record<string, Shaped>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: readonly Shaped[];
  /** How often it happened with these shapes. */
  count: number;
}

/** Of one call. Milliseconds of the clock, and of all threads of this process: what a GPU made of software costs. */
export interface Spent {
  readonly wallMs: number;
  readonly cpuMs: number;
}

interface GpuBackend {
  readonly device: { readonly queue: { onSubmittedWorkDone(): Promise<void> } };
  readonly commandEncoder: object | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
  disposeData(dataId: object): boolean;
}

type RunKernel = (name: string, inputs: Record<string, Tensor>, attributes?: object) => Tensor | Tensor[];

/** Calls of `work`, equal ones together, in the order of their first. */
export async function callsOf(tf: Tf, work: () => Promise<unknown>): Promise<Call[]> {
  const engine = tf.engine() as unknown as { runKernel: RunKernel };
  const { runKernel } = engine;
  const calls = new Map<string, Call>();
  engine.runKernel = (kernel, inputs, attributes = {}) => {
    const result = runKernel.call(engine, kernel, inputs, attributes);
    const given = Object.entries(inputs).filter(([, tensor]) => tensor);
    const shapes = Object.fromEntries(given.map(([name, tensor]) => [name, shapedLike(tensor)]));
    const key = JSON.stringify([kernel, shapes, attributes]);
    const outputs = [result].flat().map(shapedLike);
    const call = calls.get(key) ?? { kernel, inputs: shapes, attributes: { ...attributes }, outputs, count: 0 };
    calls.set(key, { ...call, count: call.count + 1 });
    return result;
  };
  try {
    await work();
  } finally {
    engine.runKernel = runKernel;
  }
  return [...calls.values()];
}

function shapedLike({ shape, dtype }: Shaped): Shaped {
  return { shape: [...shape], dtype };
}

export function flopsOfCall({ kernel, inputs, attributes, outputs }: Call): number {
  return flopsOf(kernel, inputs, attributes, outputs[0]?.shape ?? []);
}

/** Every input read and every output written once. */
export function bytesOfCall({ inputs, outputs }: Call): number {
  const cells = ({ shape }: Shaped) => shape.reduce((product, side) => product * side, 1);
  return 4 * [...Object.values(inputs), ...outputs].reduce((sum, one) => sum + cells(one), 0);
}

/** One kernel on inputs that stay: how it is timed. */
export class Replay {
  private readonly inputs: Record<string, TensorInfo>;

  constructor(
    private readonly tf: Tf,
    private readonly call: Call,
  ) {
    const entries = Object.entries(call.inputs).map(([name, { shape, dtype }], i) => {
      const values = dtype === "float32" ? tf.randomUniform(shape, -1, 1, dtype, i + 1) : tf.zeros(shape, dtype);
      return [name, values] as const;
    });
    this.inputs = Object.fromEntries(entries);
  }

  /** `times` calls of `kernel`, waited for together. Its first call compiles: not here. */
  async spent(kernel: KernelFunc, times: number): Promise<Spent> {
    const cpu = process.cpuUsage();
    const startedMs = performance.now();
    for (let i = 0; i < times; i++) this.once(kernel);
    await this.done();
    const { user, system } = process.cpuUsage(cpu);
    return { wallMs: (performance.now() - startedMs) / times, cpuMs: (user + system) / 1000 / times };
  }

  dispose(): void {
    for (const tensor of Object.values(this.inputs)) (tensor as Tensor).dispose();
  }

  private once(kernel: KernelFunc): void {
    const { kernel: name, attributes } = this.call;
    const given = name === "Concat" || name === "Pack" || name === "AddN" ? Object.values(this.inputs) : this.inputs;
    const backend = this.tf.backend() as unknown as GpuBackend;
    const results = kernel({ inputs: given as never, attrs: attributes as never, backend });
    for (const { dataId } of [results].flat()) backend.disposeData(dataId);
  }

  private async done(): Promise<void> {
    const backend = this.tf.backend() as unknown as GpuBackend;
    backend.endComputePassEncoder();
    if (backend.commandEncoder) backend.submitQueue();
    await backend.device.queue.onSubmittedWorkDone();
  }
}
