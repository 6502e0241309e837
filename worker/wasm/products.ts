/** Matrix products and sums along axes. */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import { type Heap, sizeOf } from "./heap.js";
import type { WasmKernels } from "./kernels.js";
import { install, type Kernel } from "./registry.js";

/** How many pieces one long sum has, where they are of one length. */
const pieceCounts = [16, 8, 4, 2];
/** Values; fewer are summed before another thread is awake. */
const piecesFrom = 65_536;

export function installProducts(tf: Tf, heap: Heap): void {
  install(tf, heap, { BatchMatMul: matMul, Sum: sumOf(tf, () => 1), Mean: sumOf(tf, (length) => 1 / length) });
}

/** [..., M, K] x [..., K, N]; a batch of one goes with any. */
const matMul: Kernel = (heap, { a, b }, { transposeA, transposeB }) => {
  if (a!.dtype !== "float32" || b!.dtype !== "float32") return null;
  const [aRows, aColumns] = a!.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b!.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const n = transposeB ? bRows : bColumns;
  const [aBatch, bBatch] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)];
  const [aCount, bCount] = [sizeOf(aBatch), sizeOf(bBatch)];
  if (aCount !== bCount && aCount !== 1 && bCount !== 1) return null;
  const c = heap.zeros([...(aCount >= bCount ? aBatch : bBatch), m, n]);
  const [aAt, cAt] = [heap.address(a!), heap.address(c)];
  const [aRow, aColumn] = transposeA ? [4, 4 * aColumns] : [4 * aColumns, 4];
  const multiply = (bAt: number) => {
    for (let i = 0; i < Math.max(aCount, bCount); i++) {
      const aOne = aAt + 4 * m * k * (aCount === 1 ? 0 : i);
      const bOne = bAt + 4 * k * n * (bCount === 1 ? 0 : i);
      heap.kernels.gemm(aOne, aRow, aColumn, bOne, 4 * n, cAt + 4 * m * n * i, 4 * n, m, n, k);
    }
  };
  if (transposeB) heap.withTransposed(b!, bRows, bColumns, multiply);
  else multiply(heap.address(b!));
  return c;
};

/** Axes that lie side by side, which is all that the method sums along; others are for the backend. */
function sumOf(tf: Tf, factorOf: (length: number) => number): Kernel {
  return (heap, { x }, { axis, keepDims }) => {
    const { shape, dtype } = x!;
    const axes = tf.util.parseAxisParam(axis, shape).sort((one, other) => one - other);
    const [first, last] = [axes[0] ?? 0, axes.at(-1) ?? -1];
    if (dtype !== "float32" || axes.length === 0 || last - first + 1 !== axes.length) return null;
    const [outer, inner] = [shape.slice(0, first), shape.slice(last + 1)];
    const length = sizeOf(shape.slice(first, last + 1));
    const sum: TensorInfo = heap.room([...outer, ...(keepDims ? axes.map(() => 1) : []), ...inner]);
    sumMiddle(heap, heap.address(x!), heap.address(sum), sizeOf(outer), length, sizeOf(inner), factorOf(length));
    return sum;
  };
}

/** [outer, length, inner] -> [outer, inner]. One long sum is made of several, for threads to make side by side. */
function sumMiddle(
  heap: Heap,
  ...[from, to, outer, length, inner, factor]: Parameters<WasmKernels["sumMiddle"]>
): void {
  const pieces = outer === 1 ? (pieceCounts.find((count) => length % count === 0) ?? 1) : 1;
  if (pieces === 1 || length * inner < piecesFrom) heap.kernels.sumMiddle(from, to, outer, length, inner, factor);
  else {
    heap.withRoom([pieces, inner], (sums) => {
      heap.kernels.sumMiddle(from, sums, pieces, length / pieces, inner, 1);
      heap.kernels.sumMiddle(sums, to, 1, pieces, inner, factor);
    });
  }
}
