/** Putting kernels in place of tfjs-backend-webgpu's own, or where it has none. */
import type { KernelFunc, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import type { GpuBackend } from "./gpu.js";

// biome-ignore lint/suspicious/noExplicitAny: every kernel has attributes of its own (tfjs-core, kernel_names.ts).
export type Attributes = Readonly<Record<string, any>>;
export type Inputs = Readonly<Record<string, TensorInfo>>;

/** Null: this call is for the kernel that was there before. */
export type Kernel = (backend: GpuBackend, inputs: Inputs, attributes: Attributes) => TensorInfo | TensorInfo[] | null;

/** What was there before, by name: the benchmark's other side. */
export const stockKernels = new Map<string, KernelFunc>();

export function install(tf: Tf, kernels: Readonly<Record<string, Kernel>>): void {
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    const stock = tf.getKernel(kernelName, "webgpu")?.kernelFunc as KernelFunc | undefined;
    if (stock) {
      if (!stockKernels.has(kernelName)) stockKernels.set(kernelName, stock);
      tf.unregisterKernel(kernelName, "webgpu");
    }
    const kernelFunc: KernelFunc = (call) => {
      const [inputs, backend] = [call.inputs as NamedTensorInfoMap as Inputs, call.backend as GpuBackend];
      const result = isDisguised(backend, inputs) ? null : kernel(backend, inputs, (call.attrs ?? {}) as Attributes);
      if (result) return result;
      if (stock) return stock(call);
      throw new Error(`the webgpu engine has no ${kernelName} for ${JSON.stringify(call.attrs)}`);
    };
    tf.registerKernel({ kernelName, backendName: "webgpu", kernelFunc });
  }
}

/** tfjs casts a whole number by calling it a float: its own programs look at what is stored, ours would read its bits. */
function isDisguised({ tensorMap }: GpuBackend, inputs: Inputs): boolean {
  return Object.values(inputs).some((input) => {
    return input?.dtype === "float32" && tensorMap.get(input.dataId).dtype !== "float32";
  });
}
