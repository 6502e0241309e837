/** Gradients of pooling. tfjs's JavaScript backend has them as well, but wrong at the borders and for some maxima. */
import type { Tf } from "../segmentation/tf.js";
import type { Heap } from "./heap.js";
import { install, type Kernel } from "./registry.js";
import { windowFields } from "./window.js";

export function installPooling(tf: Tf, heap: Heap): void {
  const windowAt = (shape: readonly number[], { filterSize, strides, pad, dimRoundingMode }: Parameters<Kernel>[2]) => {
    const size = shape as [number, number, number, number];
    return heap.windowAt(
      windowFields(tf.backend_util.computePool2DInfo(size, filterSize, strides, 1, pad, dimRoundingMode)),
    );
  };
  install(tf, heap, {
    MaxPoolGrad: (_, { dy, input }, attributes) => {
      const dx = heap.room(input!.shape);
      const at = windowAt(input!.shape, attributes);
      heap.kernels.maxPoolGradient(heap.address(input!), heap.address(dx), heap.address(dy!), at);
      return dx;
    },
    AvgPoolGrad: (_, { dy, input }, attributes) => {
      const dx = heap.room(input!.shape);
      heap.kernels.meanPoolGradient(heap.address(dx), heap.address(dy!), windowAt(input!.shape, attributes));
      return dx;
    },
  });
}
