/** Convolutions and their gradients: what a training step spends its time on. */
import type { backend_util, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import {
  activations,
  type ConvolutionKind,
  filterGradientCode,
  forwardCode,
  inputGradientCode,
} from "./convolution-code.js";
import {
  cellsOf,
  type GpuBackend,
  lineOf,
  lineWidth,
  type ProgramText,
  runProgram,
  type Uniforms,
  zeroOf,
} from "./program.js";
import { type Attributes, install, type Kernel } from "./registry.js";
import { groupSize, type Tile, tileFor, tileSides } from "./tiles.js";

type Window = backend_util.Conv2DInfo;

/** Work groups that keep a large GPU busy; a long sum is cut into parts to get as many. */
const groupsWanted = 256;
/** Rows of small tiles in a grid as high as WebGPU has them everywhere. */
const pixelsMax = 65_535 * 32;
/** Cells of K that a part has at least, and floats that all parts together have at most. */
const [partMin, partFloatsMax] = [512, 16 * 2 ** 20];

export function installConvolutions(tf: Tf): void {
  /** Null: not a window that the programs know. */
  const windowOf = (x: readonly number[], filter: readonly number[], attributes: Attributes): Window | null => {
    const { strides, dilations = 1, pad, dimRoundingMode, dataFormat = "NHWC" } = attributes;
    if (dataFormat !== "NHWC") return null;
    const window = tf.backend_util.computeConv2DInfo(
      x as [number, number, number, number],
      filter as [number, number, number, number],
      ...([strides, dilations, pad, dimRoundingMode, false, "channelsLast"] as const),
    );
    const isEven = window.strideHeight === window.strideWidth && window.dilationHeight === window.dilationWidth;
    const isSmall = Math.max(window.batchSize * window.inHeight * window.inWidth, pixelsOf(window)) <= pixelsMax;
    return isEven && isSmall && window.inChannels === filter[2] ? window : null;
  };

  const forward: Kernel = (backend, { x, filter }, attributes) => {
    const window = windowOf(x!.shape, filter!.shape, attributes);
    return window && convolve(backend, window, [x!, filter!], 0);
  };

  const fused: Kernel = (backend, { x, filter, bias, preluActivationWeights }, attributes) => {
    const window = windowOf(x!.shape, filter!.shape, attributes);
    const clip = activations.indexOf(attributes.activation ?? "linear");
    const isOurs = clip >= 0 && !preluActivationWeights;
    if (!window || !isOurs || (bias && cellsOf(bias.shape) !== window.outChannels)) return null;
    return convolve(backend, window, bias ? [x!, filter!, bias] : [x!, filter!], clip);
  };

  const inputGradient: Kernel = (backend, { dy, filter }, attributes) => {
    const window = windowOf(attributes.inputShape, filter!.shape, attributes);
    if (window?.dilationHeight !== 1) return null;
    return gradientByInput(backend, window, dy!, filter!);
  };

  const filterGradient: Kernel = (backend, { x, dy }, attributes) => {
    const window = windowOf(x!.shape, attributes.filterShape, attributes);
    return window && gradientByFilter(backend, window, x!, dy!);
  };

  install(tf, {
    Conv2D: forward,
    FusedConv2D: fused,
    Conv2DBackpropInput: inputGradient,
    Conv2DBackpropFilter: filterGradient,
  });
}

function convolve(backend: GpuBackend, window: Window, inputs: readonly TensorInfo[], clip: number): TensorInfo {
  const { outChannels, outShape } = window;
  const tile = tileFor(pixelsOf(window), outChannels, 1);
  const kind = kindOf(window, tile);
  const hasBias = inputs.length === 3;
  const width = widthOf(kind);
  const names = [
    ["x", width],
    ["w", width],
    ["bias", width],
  ] as const;
  const text: ProgramText = {
    key: `conv ${keyOf(kind)} ${hasBias}`,
    code: forwardCode(kind, hasBias),
    inputs: names.slice(0, inputs.length),
    resultWidth: width,
    workgroupSize: groupSize,
  };
  const groups = groupsOf(tile, pixelsOf(window), outChannels, 1);
  const steps = Math.ceil(tapsOf(window) / tileSides(tile).depth);
  return runProgram(backend, text, { outputShape: outShape, groups }, inputs, uniformsOf(window, steps, clip));
}

function gradientByInput(backend: GpuBackend, window: Window, dy: TensorInfo, filter: TensorInfo): TensorInfo {
  const { inChannels, inHeight, inWidth, batchSize, strideHeight: stride, inShape } = window;
  const phases = stride ** 2;
  const pixels = batchSize * Math.ceil(inHeight / stride) * Math.ceil(inWidth / stride);
  const tile = tileFor(pixels, inChannels, phases);
  const kind = kindOf(window, tile);
  const width = widthOf(kind);
  const text: ProgramText = {
    key: `conv by input ${keyOf(kind)}`,
    code: inputGradientCode(kind),
    inputs: [
      ["dy", width],
      ["w", width],
    ],
    resultWidth: width,
    workgroupSize: groupSize,
  };
  const groups = groupsOf(tile, pixels, inChannels, phases);
  return runProgram(backend, text, { outputShape: inShape, groups }, [dy, filter], uniformsOf(window, 0));
}

function gradientByFilter(backend: GpuBackend, window: Window, x: TensorInfo, dy: TensorInfo): TensorInfo {
  const { outChannels, filterShape } = window;
  const [taps, pixels] = [tapsOf(window), pixelsOf(window)];
  const tile = tileFor(taps, outChannels, 1);
  const { depth } = tileSides(tile);
  const wanted = Math.ceil(pixels / partsOf(tile, taps, outChannels, pixels));
  const steps = Math.ceil(wanted / depth);
  const parts = Math.ceil(pixels / (steps * depth));
  const kind = kindOf(window, tile);
  const width = widthOf(kind);
  const text: ProgramText = {
    key: `conv by filter ${keyOf(kind)}`,
    code: filterGradientCode(kind),
    inputs: [
      ["x", width],
      ["dy", width],
    ],
    resultWidth: width,
    workgroupSize: groupSize,
  };
  const groups = groupsOf(tile, taps, outChannels, parts);
  const outputShape = parts === 1 ? filterShape : [parts, taps, outChannels, 1];
  const sums = runProgram(backend, text, { outputShape, groups }, [x, dy], uniformsOf(window, steps));
  return parts === 1 ? sums : addParts(backend, sums, parts, filterShape);
}

/** Into how many parts the sum over pixels is cut. */
function partsOf(tile: Tile, rows: number, columns: number, pixels: number): number {
  const [x, y] = groupsOf(tile, rows, columns, 1);
  const wanted = Math.floor(groupsWanted / (x * y));
  return Math.max(1, Math.min(wanted, Math.ceil(pixels / partMin), Math.floor(partFloatsMax / (rows * columns))));
}

/** [parts, ...] -> their sum in order; `parts` is let go. */
export function addParts(backend: GpuBackend, parts: TensorInfo, count: number, shape: readonly number[]): TensorInfo {
  const cells = cellsOf(shape);
  const width = cells % 4 === 0 ? 4 : 1;
  const zero = zeroOf(width);
  const text: ProgramText = {
    key: `add parts ${width}`,
    code: `
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        var sum = ${zero};
        for (var part = 0; part < uniforms.parts; part = part + 1) { sum = sum + x[part * uniforms.cells + index]; }
        result[index] = sum;
      }`,
    inputs: [["x", width]],
    resultWidth: width,
    workgroupSize: lineWidth,
  };
  const dispatch = { outputShape: shape, groups: lineOf(cells / width) };
  const sum = runProgram(backend, text, dispatch, [parts], { cells: cells / width, parts: count });
  backend.disposeData(parts.dataId);
  return sum;
}

function pixelsOf({ batchSize, outHeight, outWidth }: Window): number {
  return batchSize * outHeight * outWidth;
}

function tapsOf({ filterHeight, filterWidth, inChannels }: Window): number {
  return filterHeight * filterWidth * inChannels;
}

function groupsOf(tile: Tile, rows: number, columns: number, layers: number): readonly [number, number, number] {
  const sides = tileSides(tile);
  return [Math.ceil(columns / sides.columns), Math.ceil(rows / sides.rows), layers];
}

function kindOf({ inChannels, outChannels }: Window, tile: Tile): ConvolutionKind {
  return { tile, isWide: inChannels % 4 === 0 && outChannels % 4 === 0 };
}

function keyOf({ tile, isWide }: ConvolutionKind): string {
  return `${tile.rows}x${tile.columns} ${isWide}`;
}

function widthOf({ isWide }: ConvolutionKind): 1 | 4 {
  return isWide ? 4 : 1;
}

function uniformsOf(window: Window, steps: number, clip = 0): Uniforms {
  const { batchSize: batch, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = window;
  const { filterHeight, filterWidth, strideHeight: stride, dilationHeight: dilation, padInfo } = window;
  return {
    ...{ batch, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels },
    ...{ filterHeight, filterWidth, stride, dilation, padTop: padInfo.top, padLeft: padInfo.left },
    ...{ pixels: pixelsOf(window), taps: tapsOf(window), steps, clip },
  };
}
