/**
 * Sums over neighbouring axes: over pixels, images, channels. tfjs moves the summed axes to the end first, by a program that
 * copies everything, and gives the sum of a few channels to 64 invocations; here one invocation adds up a part of a column, and
 * the parts are added in order.
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import type { GpuBackend } from "./gpu.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, runProgram, sumCode, zeroOf } from "./program.js";
import { type Attributes, install, type Kernel } from "./registry.js";

/** Addends of one part: short enough to keep the sum's digits, long enough to be worth an invocation. */
const partLength = 128;
/** Columns into which the sum of everything is cut first: neighbours are read together. */
const columnsOfAll = 256;
/** A last axis that one invocation goes through by itself. */
const rowMax = 64;

export function installReductions(tf: Tf): void {
  const sum: Kernel = (backend, { x }, { axis, keepDims }) => {
    const run = x!.dtype === "float32" ? runOfAxes(tf, x!.shape, axis) : null;
    if (!run) return null;
    const { block, kept, rest } = run;
    const shape = [...kept, ...(keepDims ? run.axes.map(() => 1) : []), ...rest];
    const isAll = block.layers === 1 && block.columns === 1 && block.rows % columnsOfAll === 0;
    if (!isAll) return columnSums(backend, x!, block, shape);
    const columns = { layers: 1, rows: block.rows / columnsOfAll, columns: columnsOfAll };
    const sums = columnSums(backend, x!, columns, [columnsOfAll]);
    const total = columnSums(backend, sums, { layers: 1, rows: columnsOfAll, columns: 1 }, shape);
    backend.disposeData(sums.dataId);
    return total;
  };
  const max: Kernel = (backend, { x }, { reductionIndices, keepDims }) => {
    const run = x!.dtype === "float32" ? runOfAxes(tf, x!.shape, reductionIndices) : null;
    if (run?.block.columns !== 1 || run.block.rows > rowMax) return null;
    return perRow(
      backend,
      x!,
      [...run.kept, ...(keepDims ? run.axes.map(() => 1) : [])],
      run.block,
      "max",
      largestCode,
    );
  };
  const softmax: Kernel = (backend, { logits }, { dim }) => {
    const { shape } = logits!;
    const rows = shape.at(-1)!;
    if (dim !== shape.length - 1 || rows > rowMax) return null;
    return perRow(backend, logits!, shape, { rows, layers: cellsOf(shape) / rows }, "softmax", softmaxCode);
  };
  install(tf, { Sum: sum, Max: max, Softmax: softmax });
}

/** Null: the axes are no neighbours, or a long last one, which tfjs does well. */
function runOfAxes(tf: Tf, shape: readonly number[], axis: Attributes["axis"]) {
  const axes = tf.util.parseAxisParam(axis, [...shape]).sort((a, b) => a - b);
  const [first = 0, last = -1] = [axes[0], axes.at(-1)];
  const [kept, rest] = [shape.slice(0, first), shape.slice(last + 1)];
  const block = { layers: cellsOf(kept), rows: cellsOf(shape.slice(first, last + 1)), columns: cellsOf(rest) };
  const isRun = axes.length > 0 && last - first === axes.length - 1;
  const isLong = last === shape.length - 1 && block.layers > 1 && block.rows > rowMax;
  return isRun && !isLong ? { axes, kept, rest, block } : null;
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
        let start = layer * uniforms.rows * uniforms.columns + column;
        let end = min((part + 1) * ${partLength}, uniforms.rows);
        ${sumCode(zeroOf(width), `part * ${partLength}`, "end", (row) => `x[start + (${row}) * uniforms.columns]`)}
        result[index] = total;
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

/** What a convolution does to its sums: per channel, the last axis. */
export interface Finish {
  readonly bias: TensorInfo;
  /** 1: at least 0; 2: between 0 and 6. */
  readonly clip: number;
}

/** [parts, ...] -> their sum in order; `parts` is let go. */
export function addParts(
  backend: GpuBackend,
  parts: TensorInfo,
  count: number,
  shape: readonly number[],
  finish?: Finish,
): TensorInfo {
  const columns = cellsOf(shape);
  const sum = finish
    ? finishedSums(backend, parts, count, shape, finish)
    : columnSums(backend, parts, { layers: 1, rows: count, columns }, shape);
  backend.disposeData(parts.dataId);
  return sum;
}

function finishedSums(
  backend: GpuBackend,
  parts: TensorInfo,
  count: number,
  outputShape: readonly number[],
  { bias, clip }: Finish,
): TensorInfo {
  const width = cellsOf(bias.shape) % 4 === 0 ? 4 : 1;
  const zero = zeroOf(width);
  const text: ProgramText = {
    key: `finished sums ${width}`,
    code: `
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        ${sumCode(zero, "0", "uniforms.parts", (part) => `x[(${part}) * uniforms.cells + index]`)}
        var value = total + bias[index % uniforms.channels];
        if (uniforms.clip > 0) { value = max(value, ${zero}); }
        if (uniforms.clip > 1) { value = min(value, ${zero} + 6.0); }
        result[index] = value;
      }`,
    inputs: [
      ["x", width],
      ["bias", width],
    ],
    resultWidth: width,
    workgroupSize: lineWidth,
  };
  const cells = cellsOf(outputShape) / width;
  const uniforms = { cells, parts: count, channels: cellsOf(bias.shape) / width, clip };
  return runProgram(backend, text, { outputShape, groups: lineOf(cells) }, [parts, bias], uniforms);
}

/** One invocation per row of x, [layers, rows]; `code` finds it at `first`, of `uniforms.rows` values. */
function perRow(
  backend: GpuBackend,
  x: TensorInfo,
  outputShape: readonly number[],
  { layers, rows }: Omit<Block, "columns">,
  key: string,
  code: string,
): TensorInfo {
  const text: ProgramText = {
    key: `row ${key}`,
    code: `
      fn main(index : i32) {
        if (index >= uniforms.layers) { return; }
        let first = index * uniforms.rows;
        var largest = x[first];
        for (var i = 1; i < uniforms.rows; i = i + 1) { largest = max(largest, x[first + i]); }
        ${code}
      }`,
    inputs: [["x", 1]],
    resultWidth: 1,
    workgroupSize: lineWidth,
  };
  return runProgram(backend, text, { outputShape, groups: lineOf(layers) }, [x], { layers, rows });
}

const largestCode = "result[index] = largest;";
const softmaxCode = `
        var total = 0.0;
        for (var i = 0; i < uniforms.rows; i = i + 1) { total = total + exp(x[first + i] - largest); }
        for (var i = 0; i < uniforms.rows; i = i + 1) { result[first + i] = exp(x[first + i] - largest) / total; }`;
