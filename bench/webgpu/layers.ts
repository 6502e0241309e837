/** Layers of the networks that are trained, as calls of their kernels: MobileNetV2, ResNet and DFN. */
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
/** Of crops of 256 px, in batches of 8. */
const large: readonly Layer[] = [
  { name: "conv3x3 64-64, 64 px", size: 64, side: 3, stride: 1, from: 64, to: 64 },
  { name: "conv3x3 128-256 stride 2, 32 px", size: 32, side: 3, stride: 2, from: 128, to: 256 },
  { name: "conv3x3 512-512, 8 px", size: 8, side: 3, stride: 1, from: 512, to: 512 },
  { name: "conv1x1 96-24, 64 px", size: 64, side: 1, stride: 1, from: 96, to: 24 },
  { name: "conv1x1 320-1280, 8 px", size: 8, side: 1, stride: 1, from: 320, to: 1280 },
  { name: "conv7x7 3-64 stride 2, 256 px", size: 256, side: 7, stride: 2, from: 3, to: 64 },
  { name: "depthwise3x3 144, 64 px", size: 64, side: 3, stride: 1, from: 144, to: 0 },
];

export function layerCalls(isLarge: boolean): { readonly layer: Layer; readonly calls: readonly Call[] }[] {
  return (isLarge ? large : small).map((layer) => ({ layer, calls: callsOfLayer(layer, isLarge ? 8 : 1) }));
}

function callsOfLayer({ size, side, stride, from, to }: Layer, batch: number): Call[] {
  const float = (...shape: number[]) => ({ shape, dtype: "float32" as const });
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
