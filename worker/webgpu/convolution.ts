/** Convolutions and their gradients: what a training step spends its time on. */
import type { backend_util, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import { isWorthPadding, paddedInputs, repacked, wideChannels } from "./channels.js";
import { activations, type ConvolutionKind, filterGradientCode, forwardCode } from "./convolution-code.js";
import type { GpuBackend } from "./gpu.js";
import { halfThreadsOf, halfTileFor } from "./half-tiles.js";
import { knownPeaksOf, multipliesInHalves } from "./halves.js";
import { inputGradientCode } from "./input-gradient-code.js";
import { cellsOf, type ProgramText, runProgram, type Uniforms } from "./program.js";
import { addParts } from "./reduce.js";
import { type Attributes, install, type Kernel } from "./registry.js";
import { threadsOf, tileDepth, tileFor } from "./tiles.js";

type Window = backend_util.Conv2DInfo;

/** Invocations that keep a large GPU busy (an H100 holds 270,000); a long sum is cut into parts to get as many. Matrix units need fewer. */
const [invocationsWanted, halfInvocationsWanted] = [2 ** 17, 2 ** 16];
/** Rows of tiles in a grid as high as WebGPU has them everywhere. */
const pixelsMax = 65_535 * 64;
/** Cells of K that a part has at least, and floats that all parts together have at most. */
const [partMin, partFloatsMax] = [256, 16 * 2 ** 20];

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
    return isEven && fitsGrid(window) && window.inChannels === filter[2] ? window : null;
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

/** Beyond it, as with 16 crops of 512 px, tfjs's kernels take over, and their gradient by filters is a plain loop. */
export function fitsGrid(
  window: Pick<Window, "batchSize" | "inHeight" | "inWidth" | "outHeight" | "outWidth">,
): boolean {
  return Math.max(window.batchSize * window.inHeight * window.inWidth, pixelsOf(window)) <= pixelsMax;
}

function convolve(backend: GpuBackend, window: Window, inputs: readonly TensorInfo[], clip: number): TensorInfo {
  const { outChannels, outShape } = window;
  if (isWorthPadding(window)) {
    const padded = paddedInputs(backend, window, inputs);
    const y = convolve(backend, { ...window, inChannels: wideChannels(window) }, [...padded, ...inputs.slice(2)], clip);
    for (const { dataId } of padded) backend.disposeData(dataId);
    return y;
  }
  const kind = kindOf(window, pixelsOf(window), outChannels);
  const width = widthOf(kind);
  const whole = { parts: 1, steps: Math.ceil(tapsOf(window) / tileDepth) };
  const isClippedOnly = clip > 0 && inputs.length < 3;
  const { parts, steps } = isClippedOnly ? whole : partsOf(kind, pixelsOf(window), outChannels, 1, tapsOf(window));
  const hasBias = inputs.length === 3 && parts === 1;
  const names = [
    ["x", width],
    ["w", width],
    ["bias", width],
  ] as const;
  const text: ProgramText = {
    key: `conv ${keyOf(kind)} ${hasBias}`,
    code: forwardCode(kind, hasBias),
    inputs: names.slice(0, hasBias ? 3 : 2),
    resultWidth: width,
    workgroupSize: invocationsOf(kind),
  };
  const groups = groupsOf(kind, pixelsOf(window), outChannels, parts);
  const outputShape = parts === 1 ? outShape : [parts, cellsOf(outShape)];
  const uniforms = uniformsOf(window, steps, parts === 1 ? clip : 0);
  const y = runProgram(backend, text, { outputShape, groups }, inputs.slice(0, text.inputs.length), uniforms);
  return parts === 1 ? y : addParts(backend, y, parts, outShape, inputs[2] ? { bias: inputs[2], clip } : undefined);
}

function gradientByInput(backend: GpuBackend, window: Window, dy: TensorInfo, filter: TensorInfo): TensorInfo {
  const { inChannels, inHeight, inWidth, batchSize, strideHeight: stride, inShape } = window;
  const { filterHeight, filterWidth, outChannels } = window;
  const phases = stride ** 2;
  const pixels = batchSize * Math.ceil(inHeight / stride) * Math.ceil(inWidth / stride);
  const taps = Math.ceil(filterHeight / stride) * Math.ceil(filterWidth / stride) * outChannels;
  const kind = kindOf(window, pixels, inChannels);
  const width = widthOf(kind);
  const text: ProgramText = {
    key: `conv by input ${keyOf(kind)}`,
    code: inputGradientCode(kind),
    inputs: [
      ["dy", width],
      ["w", width],
    ],
    resultWidth: width,
    workgroupSize: invocationsOf(kind),
  };
  const { parts, steps } = partsOf(kind, pixels, inChannels, phases, taps);
  const groups = groupsOf(kind, pixels, inChannels, phases * parts);
  const outputShape = parts === 1 ? inShape : [parts, cellsOf(inShape)];
  const scaled = withPeaks(backend, kind, text, dy);
  const inputs = [dy, filter, ...scaled.peaks];
  const dx = runProgram(backend, scaled.text, { outputShape, groups }, inputs, uniformsOf(window, steps));
  return parts === 1 ? dx : addParts(backend, dx, parts, inShape);
}

function gradientByFilter(backend: GpuBackend, window: Window, x: TensorInfo, dy: TensorInfo): TensorInfo {
  const { outChannels, filterShape, inChannels, filterHeight, filterWidth } = window;
  if (isWorthPadding(window)) {
    const wide = wideChannels(window);
    const padded = repacked(
      backend,
      x,
      { outer: cellsOf(x.shape) / inChannels, from: inChannels, to: wide, inner: 1 },
      [...x.shape.slice(0, 3), wide],
    );
    const whole: Window = { ...window, inChannels: wide, filterShape: [filterHeight, filterWidth, wide, outChannels] };
    const dw = gradientByFilter(backend, whole, padded, dy);
    const cut = { outer: filterHeight * filterWidth, from: wide, to: inChannels, inner: outChannels };
    const result = repacked(backend, dw, cut, filterShape);
    for (const { dataId } of [padded, dw]) backend.disposeData(dataId);
    return result;
  }
  const [taps, pixels] = [tapsOf(window), pixelsOf(window)];
  const kind = kindOf(window, taps, outChannels);
  const { parts, steps } = partsOf(kind, taps, outChannels, 1, pixels);
  const width = widthOf(kind);
  const text: ProgramText = {
    key: `conv by filter ${keyOf(kind)}`,
    code: filterGradientCode(kind),
    inputs: [
      ["x", width],
      ["dy", width],
    ],
    resultWidth: width,
    workgroupSize: invocationsOf(kind),
  };
  const groups = groupsOf(kind, taps, outChannels, parts);
  const outputShape = parts === 1 ? filterShape : [parts, cellsOf(filterShape)];
  const scaled = withPeaks(backend, kind, text, dy);
  const inputs = [x, dy, ...scaled.peaks];
  const sums = runProgram(backend, scaled.text, { outputShape, groups }, inputs, uniformsOf(window, steps));
  return parts === 1 ? sums : addParts(backend, sums, parts, filterShape);
}

/** A program that reads a gradient, with what a product in float16 has to know of that. */
function withPeaks(backend: GpuBackend, { isHalf }: ConvolutionKind, text: ProgramText, dy: TensorInfo) {
  if (!isHalf) return { text, peaks: [] };
  return { text: { ...text, inputs: [...text.inputs, ["peaks", 1] as const] }, peaks: [knownPeaksOf(backend, dy)] };
}

/** A sum over `k` cells in parts that are added afterwards, where its products alone would leave a GPU's processors without work. */
function partsOf(kind: ConvolutionKind, rows: number, columns: number, layers: number, k: number) {
  const [x, y] = groupsOf(kind, rows, columns, 1);
  const invocations = kind.isHalf ? halfInvocationsWanted : invocationsWanted;
  const wanted = Math.floor(invocations / invocationsOf(kind) / (x * y * layers));
  const floats = rows * columns * layers;
  const most = Math.max(1, Math.min(wanted, Math.floor(k / partMin), Math.floor(partFloatsMax / floats)));
  const allSteps = Math.ceil(k / tileDepth);
  const steps = Math.ceil(allSteps / most);
  return { parts: Math.ceil(allSteps / steps), steps };
}

function pixelsOf({ batchSize, outHeight, outWidth }: Pick<Window, "batchSize" | "outHeight" | "outWidth">): number {
  return batchSize * outHeight * outWidth;
}

function tapsOf({ filterHeight, filterWidth, inChannels }: Window): number {
  return filterHeight * filterWidth * inChannels;
}

function groupsOf(
  { tile }: ConvolutionKind,
  rows: number,
  columns: number,
  layers: number,
): readonly [number, number, number] {
  return [Math.ceil(columns / tile.columns), Math.ceil(rows / tile.rows), layers];
}

/** `rows` and `columns` of the result. */
function kindOf({ inChannels, outChannels }: Window, rows: number, columns: number): ConvolutionKind {
  const isWide = inChannels % 4 === 0 && outChannels % 4 === 0;
  const isHalf = isWide && multipliesInHalves();
  return { tile: isHalf ? halfTileFor(rows, columns) : tileFor(rows, columns), isWide, isHalf };
}

function invocationsOf({ tile, isHalf }: ConvolutionKind): number {
  return isHalf ? halfThreadsOf(tile) : threadsOf(tile);
}

function keyOf({ tile, isWide, isHalf }: ConvolutionKind): string {
  return `${tile.rows}x${tile.columns} ${isWide} ${isHalf}`;
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
    ...{ inCells: batch * inHeight * inWidth * inChannels, outCells: pixelsOf(window) * outChannels },
  };
}
