/**
 * Kernels that the wasm backend lacks and that no training step needs: taken from tfjs's plain JavaScript backend, through
 * copies. Slow, but a backbone with an unusual layer still works.
 */
import type { DataType, KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { Tf } from "../segmentation/tf.js";

type Values = Parameters<BackendWasm["write"]>[0];

/** The parts of tfjs-backend-cpu that are used here. */
interface CpuBackend {
  /** Before its first use it would advise to install TensorFlow, on stderr. */
  firstUse: boolean;
  makeTensorInfo(shape: readonly number[], dtype: DataType, values: Values): TensorInfo;
  readSync(dataId: object): Values;
  disposeData(dataId: object): boolean;
}

export function installBorrowed(tf: Tf, wasm: BackendWasm): void {
  for (const { kernelName, kernelFunc } of tf.getKernelsForBackend("cpu")) {
    if (tf.getKernel(kernelName, "wasm")) continue;
    tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc: borrowed(tf, wasm, kernelFunc) });
  }
}

function borrowed(tf: Tf, wasm: BackendWasm, kernelFunc: KernelFunc): KernelFunc {
  return ({ inputs, attrs }) => {
    const cpu = tf.engine().findBackend("cpu") as unknown as CpuBackend;
    cpu.firstUse = false;
    const lend = ({ shape, dtype, dataId }: TensorInfo) => cpu.makeTensorInfo(shape, dtype, wasm.readSync(dataId));
    const lent = Object.fromEntries(
      Object.entries(inputs).flatMap(([name, tensor]) => (tensor ? [[name, lend(tensor)]] : [])),
    );
    const given = Array.isArray(inputs) ? Object.values(lent) : lent;
    const results = kernelFunc({ inputs: given as typeof inputs, backend: cpu, ...(attrs ? { attrs } : {}) });
    const taken = [results].flat().map(({ shape, dtype, dataId }) => {
      const copy = wasm.makeOutput([...shape], dtype, undefined, cpu.readSync(dataId) ?? undefined);
      cpu.disposeData(dataId);
      return copy;
    });
    for (const { dataId } of Object.values(lent)) cpu.disposeData(dataId);
    return Array.isArray(results) ? taken : taken[0]!;
  };
}
