/** What the backend does slowly though there is little to do. */
import { reluGradient } from "../segmentation/nn/relu.js";
import type { Tf } from "../segmentation/tf.js";
import { type Heap, sizeOf } from "./heap.js";
import { install, type Kernel } from "./registry.js";

export function installElementwise(tf: Tf, heap: Heap): void {
  install(tf, heap, { Identity: identity, Sign: sign, [reluGradient]: rectifierGradient });
}

/** The same numbers under another name. The backend copies them. */
const identity: Kernel = ({ backend }, { x }) => {
  backend.incRef(x!.dataId);
  return { dataId: x!.dataId, shape: x!.shape, dtype: x!.dtype };
};

/** The backend's takes small numbers, 10^-8, for 0, and has no vectors. */
const sign: Kernel = (heap, { x }) => {
  if (x!.dtype !== "float32") return null;
  const y = heap.room(x!.shape);
  heap.kernels.sign(heap.address(x!), heap.address(y), sizeOf(x!.shape));
  return y;
};

const rectifierGradient: Kernel = (heap, { dy, y }, { ceiling }) => {
  const dx = heap.room(y!.shape);
  heap.kernels.reluGradient(heap.address(dy!), heap.address(y!), heap.address(dx), sizeOf(y!.shape), ceiling);
  return dx;
};
