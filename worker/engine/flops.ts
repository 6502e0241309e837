/** Arithmetic of what an engine is asked to do, from shapes: a multiplication and an addition are two operations. */
import type { Tensor, Tf } from "../segmentation/tf.js";

type Inputs = Readonly<Record<string, Tensor | undefined>>;
type RunKernel = (name: string, inputs: Inputs, attributes?: Readonly<Record<string, unknown>>) => Tensor | Tensor[];

/** Convolutions and matrix products, which are nearly all of it; in floating-point operations. */
export async function countFlops(tf: Tf, work: () => unknown): Promise<number> {
  const engine = tf.engine() as unknown as { runKernel: RunKernel };
  const original = engine.runKernel;
  let flops = 0;
  engine.runKernel = (name, inputs, attributes = {}) => {
    const result = original.call(engine, name, inputs, attributes);
    flops += flopsOf(name, inputs, attributes, (result as Tensor).shape);
    return result;
  };
  try {
    await work();
  } finally {
    engine.runKernel = original;
  }
  return flops;
}

export function flopsOf(
  name: string,
  inputs: Readonly<Record<string, { readonly shape: readonly number[] } | undefined>>,
  attributes: Readonly<Record<string, unknown>>,
  result: readonly number[],
): number {
  const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);
  const { filter, dy, a } = inputs;
  /** Every output cell looks through the whole filter; of a depthwise one, through one channel of it. */
  const window = (cells: readonly number[], shape: readonly number[], isDepthwise: boolean) => {
    return 2 * sizeOf(cells) * sizeOf(shape.slice(0, isDepthwise ? 2 : 3));
  };
  switch (name) {
    case "Conv2D":
    case "FusedConv2D":
      return window(result, filter!.shape, false);
    case "DepthwiseConv2dNative":
    case "FusedDepthwiseConv2D":
      return window(result, filter!.shape, true);
    case "Conv2DBackpropInput":
      return window(dy!.shape, filter!.shape, false);
    case "Conv2DBackpropFilter":
      return window(dy!.shape, attributes.filterShape as number[], false);
    case "DepthwiseConv2dNativeBackpropInput":
      return window(dy!.shape, filter!.shape, true);
    case "DepthwiseConv2dNativeBackpropFilter":
      return window(dy!.shape, attributes.filterShape as number[], true);
    case "BatchMatMul":
      return 2 * sizeOf(result) * a!.shape.at(attributes.transposeA ? -2 : -1)!;
    default:
      return 0;
  }
}
