/** Layers of the networks that are trained, as calls of their kernels: MobileNetV2, ResNet and DFN; and PAMR. */
import { methodConfigSchema } from "../../shared/config/method.js";
import { normKernels } from "../../worker/segmentation/nn/group-norm.js";
import { upsampleGradient } from "../../worker/segmentation/nn/upsample.js";
import { pamrKernels } from "../../worker/segmentation/pamr-program.js";
import type { Call } from "./calls.js";

export interface Layer {
  readonly name: string;
  /** Side of the input, cells. */
  readonly size: number;
  readonly side: number;
  readonly stride: number;
  /** Channels. */
  readonly from: number;
  /** 0: depthwise. */
  readonly to: number;
}

const small: readonly Layer[] = [
  { name: "conv3x3 64-64, 24 px", size: 24, side: 3, stride: 1, from: 64, to: 64 },
  { name: "conv3x3 64-128 stride 2, 24 px", size: 24, side: 3, stride: 2, from: 64, to: 128 },
  { name: "conv1x1 96-24, 32 px", size: 32, side: 1, stride: 1, from: 96, to: 24 },
  { name: "conv3x3 3-32 stride 2, 64 px", size: 64, side: 3, stride: 2, from: 3, to: 32 },
  { name: "depthwise3x3 144, 32 px", size: 32, side: 3, stride: 1, from: 144, to: 0 },
];
/** Of crops of 256 px (where nothing else is said), in batches of 8. */
const large: readonly Layer[] = [
  { name: "conv3x3 64-64, 64 px", size: 64, side: 3, stride: 1, from: 64, to: 64 },
  { name: "conv3x3 128-256 stride 2, 32 px", size: 32, side: 3, stride: 2, from: 128, to: 256 },
  { name: "conv3x3 512-512, 8 px", size: 8, side: 3, stride: 1, from: 512, to: 512 },
  { name: "conv1x1 96-24, 64 px", size: 64, side: 1, stride: 1, from: 96, to: 24 },
  { name: "conv1x1 320-1280, 8 px", size: 8, side: 1, stride: 1, from: 320, to: 1280 },
  { name: "conv7x7 3-64 stride 2, 256 px", size: 256, side: 7, stride: 2, from: 3, to: 64 },
  { name: "depthwise3x3 144, 64 px", size: 64, side: 3, stride: 1, from: 144, to: 0 },
  { name: "ResNet-50, 512 px: conv3x3 128-128, 64 px", size: 64, side: 3, stride: 1, from: 128, to: 128 },
  { name: "ResNet-50, 512 px: conv1x1 512-128, 64 px", size: 64, side: 1, stride: 1, from: 512, to: 128 },
  { name: "ResNet-50, 512 px: conv1x1 256-1024, 32 px", size: 32, side: 1, stride: 1, from: 256, to: 1024 },
  { name: "ResNet-50, 512 px: conv3x3 512-512, 16 px", size: 16, side: 3, stride: 1, from: 512, to: 512 },
];

export interface NamedCalls {
  readonly name: string;
  readonly calls: readonly Call[];
}

export function layerCalls(isLarge: boolean): NamedCalls[] {
  const layers = (isLarge ? large : small).map((layer) => {
    return { name: layer.name, calls: callsOfLayer(layer, isLarge ? 8 : 1) };
  });
  const pamr = [1, 3, 8].map((channels) => pamrCalls(isLarge ? 256 : 64, channels));
  return [...layers, dfnCalls(isLarge ? 8 : 1, isLarge ? 64 : 24), ...pamr];
}

/** Of a cell and channel: its part of two sums (3), scale, shift and ReLU (3). */
const normFlops = 6;
/** ReLU's mask (1), its part of two sums (3), three products and two sums of theirs (5). */
const normGradientFlops = 9;
/** Four neighbours, a product and a sum each. */
const enlargedFlops = 8;

/** What DFN has between its convolutions: group norm, and the gradient of enlargement to twice the side. */
function dfnCalls(batch: number, side: number): NamedCalls {
  const channels = 64;
  const [map, half] = [float(batch, side, side, channels), float(batch, side / 2, side / 2, channels)];
  const vector = float(channels);
  const sums = float(2, batch, channels);
  const cells = batch * side * side * channels;
  const [attributes, x] = [{ groups: 8, relu: true }, map];
  const [gamma, beta] = [vector, vector];
  const norm = { kernel: normKernels.forward, inputs: { x, gamma, beta }, attributes, output: map };
  const gradient = {
    kernel: normKernels.gradient,
    inputs: { x, gamma, y: map, dy: map, sums },
    attributes,
    output: map,
  };
  const enlarged = { kernel: upsampleGradient, inputs: { dy: map }, attributes: sizesOf(half.shape), output: half };
  return {
    name: `DFN, ${channels} channels, ${side} px`,
    calls: [
      { ...norm, flops: normFlops * cells },
      { ...gradient, flops: normGradientFlops * cells },
      { ...enlarged, flops: enlargedFlops * cells },
    ],
  };
}

function sizesOf([, height, width]: readonly number[]): { readonly height: number; readonly width: number } {
  return { height: height!, width: width! };
}

const float = (...shape: number[]) => ({ shape, dtype: "float32" as const });

/** Of one photo, as it comes: the weights, and one iteration. */
function pamrCalls(side: number, channels: number): NamedCalls {
  const { dilations } = methodConfigSchema.parse({}).pamr;
  const neighbours = 8 * dilations.length;
  const [rgb, map, weights] = [float(side, side, 3), float(side, side, channels), float(neighbours, side, side)];
  const perCell = {
    affinity: neighbours * (3 * (differenceFlops + exponentFlops) + softmaxFlops),
    mean: 2 * neighbours,
  };
  const cells = side * side;
  const attributes = { dilations };
  const affinity = {
    ...{ kernel: pamrKernels.affinity, inputs: { rgb }, attributes, output: weights },
    flops: cells * perCell.affinity,
  };
  const mean = {
    ...{ kernel: pamrKernels.mean, inputs: { map, weights }, attributes, output: map },
    flops: cells * channels * perCell.mean,
  };
  return { name: `PAMR, ${channels} channels, ${side} px`, calls: channels === 1 ? [affinity, mean] : [mean] };
}

/** Of one colour of a neighbour: a difference, its sum and that of its square; its absolute value, scaled and added. */
const differenceFlops = 4;
const exponentFlops = 3;
/** Of a neighbour: largest, difference, power, sum, quotient. */
const softmaxFlops = 5;

function callsOfLayer({ size, side, stride, from, to }: Layer, batch: number): Call[] {
  const out = Math.ceil(size / stride);
  const isDepthwise = to === 0;
  const filterShape = isDepthwise ? [side, side, from, 1] : [side, side, from, to];
  const [x, dy, filter] = [
    float(batch, size, size, from),
    float(batch, out, out, isDepthwise ? from : to),
    float(...filterShape),
  ];
  const window = { strides: [stride, stride], pad: "same", dataFormat: "NHWC", dilations: [1, 1] };
  const name = isDepthwise ? "DepthwiseConv2dNative" : "Conv2D";
  const forward = { kernel: name, inputs: { x, filter }, attributes: window, output: dy };
  const byInput = {
    ...{ kernel: `${name}BackpropInput`, inputs: { dy, filter }, output: x },
    attributes: { ...window, inputShape: x.shape },
  };
  const byFilter = {
    ...{ kernel: `${name}BackpropFilter`, inputs: { x, dy }, output: filter },
    attributes: { ...window, filterShape },
  };
  return [forward, byInput, byFilter];
}
