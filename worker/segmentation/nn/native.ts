/** Kernels beyond tfjs's: those that TensorFlow has and tfjs does not register (tfjs-node runs any by name), and our own. */
import type { Tensor, Tf } from "../tf.js";

interface NativeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
  readonly isUsingGpuDevice: boolean;
  readonly executeSingleOutput: (name: string, attributes: readonly object[], inputs: readonly Tensor[]) => Tensor;
}

/** One float32 output of float32 inputs; null on other engines, where the caller composes it. */
export function nativeKernel(tf: Tf, name: string, inputs: readonly Tensor[]): Tensor | null {
  const backend = tf.backend() as unknown as Partial<NativeBackend>;
  if (!backend.executeSingleOutput || !backend.binding) return null;
  const { TF_ATTR_TYPE, TF_FLOAT } = backend.binding;
  return backend.executeSingleOutput(name, [{ name: "T", type: TF_ATTR_TYPE, value: TF_FLOAT }], inputs);
}

/** Whether a tensor made from an array of shared memory is that memory, and InplaceUpdate changes it there. */
export function worksInGivenMemory(tf: Tf): boolean {
  const backend = tf.backend() as unknown as Partial<NativeBackend>;
  return backend.executeSingleOutput !== undefined && backend.isUsingGpuDevice === false;
}

/** A kernel that only some engines have, under a name of ours; null on the others. */
export function ownKernel(
  tf: Tf,
  name: string,
  inputs: Readonly<Record<string, Tensor>>,
  attributes: object,
): Tensor[] | null {
  if (!hasOwnKernel(tf, name)) return null;
  const engine = tf.engine() as unknown as {
    runKernel(name: string, inputs: object, attributes: object): Tensor | Tensor[];
  };
  return [engine.runKernel(name, inputs, attributes)].flat();
}

export function hasOwnKernel(tf: Tf, name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) !== undefined;
}
