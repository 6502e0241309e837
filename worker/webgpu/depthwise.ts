/**
 * Gradients of depthwise convolutions, one filter per channel. They move bytes and multiply little: one invocation per cell of dx,
 * and per channel and tap of dw, whose long sum over pixels is cut into parts. (tfjs's forward program is as simple already.)
 */
import type { backend_util, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import type { GpuBackend } from "./gpu.js";
import {
  cellsOf,
  lineOf,
  lineWidth,
  type ProgramText,
  placeCode,
  runProgram,
  sumCode,
  type Uniforms,
  zeroOf,
} from "./program.js";
import { addParts } from "./reduce.js";
import { type Attributes, install, type Kernel } from "./registry.js";

type Window = backend_util.Conv2DInfo;

export function installDepthwise(tf: Tf): void {
  /** Null: with several filters per channel, or another layout. */
  const windowOf = (x: readonly number[], filter: readonly number[], attributes: Attributes): Window | null => {
    const { strides, dilations = 1, pad, dimRoundingMode, dataFormat = "NHWC" } = attributes;
    const window = tf.backend_util.computeConv2DInfo(
      x as [number, number, number, number],
      filter as [number, number, number, number],
      ...([strides, dilations ?? 1, pad, dimRoundingMode, true, "channelsLast"] as const),
    );
    return dataFormat === "NHWC" && filter[3] === 1 ? window : null;
  };
  const byInput: Kernel = (backend, { dy, filter }, attributes) => {
    const window = windowOf(attributes.inputShape, filter!.shape, attributes);
    return window && gradientByInput(backend, window, dy!, filter!);
  };
  const byFilter: Kernel = (backend, { x, dy }, attributes) => {
    const window = windowOf(x!.shape, attributes.filterShape, attributes);
    return window && gradientByFilter(backend, window, x!, dy!);
  };
  install(tf, { DepthwiseConv2dNativeBackpropInput: byInput, DepthwiseConv2dNativeBackpropFilter: byFilter });
}

function gradientByInput(backend: GpuBackend, window: Window, dy: TensorInfo, filter: TensorInfo): TensorInfo {
  const width = window.inChannels % 4 === 0 ? 4 : 1;
  const text: ProgramText = {
    key: `depthwise by input ${width}`,
    code: inputCode(width),
    inputs: [
      ["dy", width],
      ["w", width],
    ],
    resultWidth: width,
    workgroupSize: lineWidth,
  };
  const cells = cellsOf(window.inShape) / width;
  const dispatch = { outputShape: window.inShape, groups: lineOf(cells) };
  return runProgram(backend, text, dispatch, [dy, filter], { cells, ...uniformsOf(window, width) });
}

/** Pixels of one part of the sum. */
const partPixels = 128;

function gradientByFilter(backend: GpuBackend, window: Window, x: TensorInfo, dy: TensorInfo): TensorInfo {
  const { batchSize, outHeight, outWidth, filterHeight, filterWidth, inChannels, filterShape } = window;
  const width = inChannels % 4 === 0 ? 4 : 1;
  const pixels = batchSize * outHeight * outWidth;
  const parts = Math.ceil(pixels / partPixels);
  const text: ProgramText = {
    key: `depthwise by filter ${width}`,
    code: filterCode(width),
    inputs: [
      ["x", width],
      ["dy", width],
    ],
    resultWidth: width,
    workgroupSize: lineWidth,
  };
  const cells = (parts * filterHeight * filterWidth * inChannels) / width;
  const outputShape = [parts, filterHeight * filterWidth, inChannels, 1];
  const uniforms = { cells, pixels, ...uniformsOf(window, width) };
  const sums = runProgram(backend, text, { outputShape, groups: lineOf(cells) }, [x, dy], uniforms);
  return addParts(backend, sums, parts, filterShape);
}

/** dy's cell that the tap reads for this pixel: (pixel + pad - tap) / stride where that is a whole number. */
function inputCode(width: 1 | 4): string {
  return `
    fn main(index : i32) {
      ${placeCode}
      let padded = at + vec2<i32>(uniforms.padTop, uniforms.padLeft);
      let size = vec2<i32>(uniforms.outHeight, uniforms.outWidth);
      var sum = ${zeroOf(width)};
      for (var row = 0; row < uniforms.filterHeight; row = row + 1) {
        for (var column = 0; column < uniforms.filterWidth; column = column + 1) {
          let source = padded - vec2<i32>(row, column) * uniforms.dilation;
          let cell = source / uniforms.stride;
          let isInside = all(source >= vec2<i32>(0)) && all(cell * uniforms.stride == source) && all(cell < size);
          let place = ((image * size.x + cell.x) * size.y + cell.y) * uniforms.channels + channel;
          let tap = (row * uniforms.filterWidth + column) * uniforms.channels + channel;
          sum = sum + w[tap] * select(${zeroOf(width)}, dy[select(0, place, isInside)], isInside);
        }
      }
      result[index] = sum;
    }`;
}

function filterCode(width: 1 | 4): string {
  return `
    fn termOf(pixel : i32, offset : vec2<i32>, channel : i32) -> ${width === 4 ? "vec4<f32>" : "f32"} {
      let size = vec2<i32>(uniforms.inHeight, uniforms.inWidth);
      let line = pixel / uniforms.outWidth;
      let image = line / uniforms.outHeight;
      let at = vec2<i32>(line - image * uniforms.outHeight, pixel - line * uniforms.outWidth) * uniforms.stride + offset;
      let isInside = all(at >= vec2<i32>(0)) && all(at < size);
      let place = ((image * size.x + at.x) * size.y + at.y) * uniforms.channels + channel;
      return dy[pixel * uniforms.channels + channel] * select(${zeroOf(width)}, x[select(0, place, isInside)], isInside);
    }
    fn main(index : i32) {
      if (index >= uniforms.cells) { return; }
      let group = index / uniforms.channels;
      let channel = index - group * uniforms.channels;
      let taps = uniforms.filterHeight * uniforms.filterWidth;
      let part = group / taps;
      let tap = group - part * taps;
      let row = tap / uniforms.filterWidth;
      let offset = vec2<i32>(row, tap - row * uniforms.filterWidth) * uniforms.dilation -
        vec2<i32>(uniforms.padTop, uniforms.padLeft);
      let end = min((part + 1) * ${partPixels}, uniforms.pixels);
      ${sumCode(zeroOf(width), `part * ${partPixels}`, "end", (pixel) => `termOf(${pixel}, offset, channel)`)}
      result[index] = total;
    }`;
}

function uniformsOf(window: Window, width: number): Uniforms {
  const { inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, inChannels, padInfo } = window;
  return {
    ...{ inHeight, inWidth, outHeight, outWidth, filterHeight, filterWidth, channels: inChannels / width },
    ...{ stride: window.strideHeight, dilation: window.dilationHeight, padTop: padInfo.top, padLeft: padInfo.left },
  };
}
