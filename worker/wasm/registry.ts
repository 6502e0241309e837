/** Putting kernels in place of the wasm backend's own, or where it has none. */
import type { KernelFunc, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import type { Heap } from "./heap.js";

// biome-ignore lint/suspicious/noExplicitAny: every kernel has attributes of its own (tfjs-core, kernel_names.ts).
type Attributes = Readonly<Record<string, any>>;
type Inputs = Readonly<Record<string, TensorInfo>>;

/** Null: this call is for the kernel that was there before. */
export type Kernel = (heap: Heap, inputs: Inputs, attributes: Attributes) => TensorInfo | null;

export function install(tf: Tf, heap: Heap, kernels: Readonly<Record<string, Kernel>>): void {
  for (const [kernelName, kernel] of Object.entries(kernels)) {
    const own = tf.getKernel(kernelName, "wasm")?.kernelFunc as KernelFunc | undefined;
    if (own) tf.unregisterKernel(kernelName, "wasm");
    const kernelFunc: KernelFunc = (call) => {
      const result = kernel(heap, call.inputs as NamedTensorInfoMap as Inputs, call.attrs as Attributes);
      if (result) return result;
      if (own) return own(call);
      throw new Error(`the wasm engine has no ${kernelName} for ${JSON.stringify(call.attrs)}`);
    };
    tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc });
  }
}
