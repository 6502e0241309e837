/**
 * Sums over neighbouring axes: over pixels, images, channels. tfjs moves the summed axes to the end first, by a program that
 * copies everything; here one invocation adds up a part of a column, and the parts are added in order.
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import { addParts } from "./convolution.js";
import { cellsOf, type GpuBackend, lineOf, lineWidth, type ProgramText, runProgram, zeroOf } from "./program.js";
import { install, type Kernel } from "./registry.js";

/** Addends of one part: short enough to keep the sum's digits, long enough to be worth an invocation. */
const partLength = 128;

export function installSums(tf: Tf): void {
  const sum: Kernel = (backend, { x }, { axis, keepDims }) => {
    if (x!.dtype !== "float32") return null;
    const axes = tf.util.parseAxisParam(axis, [...x!.shape]).sort((a, b) => a - b);
    const [first = 0, last = -1] = [axes[0], axes.at(-1)];
    const isRun = axes.length > 0 && last - first === axes.length - 1;
    // A sum along the last axis is tfjs's best case.
    if (!isRun || last === x!.shape.length - 1) return null;
    const [kept, [rows, columns]] = [
      x!.shape.slice(0, first),
      [cellsOf(x!.shape.slice(first, last + 1)), cellsOf(x!.shape.slice(last + 1))],
    ];
    const ones = keepDims ? axes.map(() => 1) : [];
    return columnSums(backend, x!, { layers: cellsOf(kept), rows, columns }, [
      ...kept,
      ...ones,
      ...x!.shape.slice(last + 1),
    ]);
  };
  install(tf, { Sum: sum });
}

export interface Block {
  readonly layers: number;
  readonly rows: number;
  readonly columns: number;
}

/** [layers, rows, columns] -> [layers, columns]. */
export function columnSums(
  backend: GpuBackend,
  x: TensorInfo,
  { layers, rows, columns }: Block,
  shape: readonly number[],
): TensorInfo {
  const width = columns % 4 === 0 ? 4 : 1;
  const parts = Math.max(1, Math.ceil(rows / partLength));
  const cells = (parts * layers * columns) / width;
  const text: ProgramText = {
    key: `column sums ${width}`,
    code: `
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        let line = index / uniforms.columns;
        let column = index - line * uniforms.columns;
        let part = line / uniforms.layers;
        let layer = line - part * uniforms.layers;
        var sum = ${zeroOf(width)};
        let end = min((part + 1) * ${partLength}, uniforms.rows);
        for (var row = part * ${partLength}; row < end; row = row + 1) {
          sum = sum + x[(layer * uniforms.rows + row) * uniforms.columns + column];
        }
        result[index] = sum;
      }`,
    inputs: [["x", width]],
    resultWidth: width,
    workgroupSize: lineWidth,
  };
  const outputShape = parts === 1 ? shape : [parts, layers, columns, 1];
  const uniforms = { cells, layers, rows, columns: columns / width };
  const sums = runProgram(backend, text, { outputShape, groups: lineOf(cells) }, [x], uniforms);
  return parts === 1 ? sums : addParts(backend, sums, parts, shape);
}
