/**
 * Gradient of mean pooling. tfjs divides by the size of the whole window where TensorFlow divides by the cells inside:
 * the gradient is weighted for that beforehand.
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";

interface Backend {
  makeTensorInfo(shape: readonly number[], dtype: "float32", values: Float32Array): TensorInfo;
  disposeData(dataId: object): boolean;
}

export function installPooling(tf: Tf): void {
  const own = tf.getKernel("AvgPoolGrad", "webgpu").kernelFunc;
  const multiply = tf.getKernel("Multiply", "webgpu").kernelFunc;
  tf.unregisterKernel("AvgPoolGrad", "webgpu");
  tf.registerKernel({
    kernelName: "AvgPoolGrad",
    backendName: "webgpu",
    kernelFunc: ({ inputs, attrs, backend }) => {
      const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
      const { filterSize, strides, pad, dimRoundingMode } = attrs as unknown as PoolAttributes;
      const shape = input.shape as [number, number, number, number];
      const window = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
      const values = weights(window);
      const gpu = backend as unknown as Backend;
      const weight = gpu.makeTensorInfo([1, window.outHeight, window.outWidth, 1], "float32", values);
      const weighted = multiply({ inputs: { a: dy, b: weight }, backend }) as TensorInfo;
      const dx = own({ inputs: { dy: weighted, input }, backend, ...(attrs ? { attrs } : {}) });
      for (const { dataId } of [weight, weighted]) gpu.disposeData(dataId);
      return dx;
    },
  });
}

interface PoolAttributes {
  readonly filterSize: number;
  readonly strides: number;
  readonly pad: "same" | "valid";
  readonly dimRoundingMode: "floor";
}

interface PoolWindow {
  readonly inHeight: number;
  readonly inWidth: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly filterHeight: number;
  readonly filterWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly padInfo: { readonly top: number; readonly left: number };
}

/** Cells of the window over its cells inside the image, [outHeight, outWidth]. */
export function weights(window: PoolWindow): Float32Array {
  const { outHeight, outWidth, filterHeight, filterWidth, padInfo } = window;
  const inside = (at: number, stride: number, before: number, size: number, length: number) => {
    const start = at * stride - before;
    return Math.min(start + length, size) - Math.max(start, 0);
  };
  return Float32Array.from({ length: outHeight * outWidth }, (_, i) => {
    const [row, column] = [Math.floor(i / outWidth), i % outWidth];
    const rows = inside(row, window.strideHeight, padInfo.top, window.inHeight, filterHeight);
    const columns = inside(column, window.strideWidth, padInfo.left, window.inWidth, filterWidth);
    return (filterHeight * filterWidth) / (rows * columns);
  });
}
