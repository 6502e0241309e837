/** Convolutions and their gradients: what a training step spends its time on. */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import { type Heap, sizeOf } from "./heap.js";
import { install, type Kernel } from "./registry.js";
import { type Window, windowFields } from "./window.js";

/** Below this many channels a product per tap is too short; XNNPACK, which the backend calls, gathers all taps first. */
const channelsMin = 8;

/** What is done to [low, high] after the bias. */
const clips: Readonly<Record<string, readonly [number, number]>> = {
  linear: [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  relu: [0, Number.POSITIVE_INFINITY],
  relu6: [0, 6],
};

export function installConvolutions(tf: Tf, heap: Heap): void {
  const windowOf = (
    x: readonly number[],
    filter: readonly number[],
    attributes: Parameters<Kernel>[2],
    isDepthwise = false,
  ): Window => {
    const { strides, dilations = 1, pad, dimRoundingMode } = attributes;
    return tf.backend_util.computeConv2DInfo(
      x as [number, number, number, number],
      filter as [number, number, number, number],
      ...([strides, dilations, pad, dimRoundingMode, isDepthwise, "channelsLast"] as const),
    );
  };

  const convolution: Kernel = (_, { x, filter }, attributes) => {
    const window = windowOf(x!.shape, filter!.shape, attributes);
    if (!isOurs(attributes) || window.inChannels < channelsMin) return null;
    return convolve(heap, x!, filter!, window);
  };

  const fused: Kernel = (_, { x, filter, bias, preluActivationWeights }, attributes) => {
    const clip = clips[attributes.activation ?? "linear"];
    const window = windowOf(x!.shape, filter!.shape, attributes);
    const isPlain = clip && !preluActivationWeights && isOurs(attributes);
    if (!isPlain || window.inChannels < channelsMin) return null;
    const y = convolve(heap, x!, filter!, window);
    const channels = window.outChannels;
    const biasAt = bias ? heap.address(bias) : 0;
    heap.kernels.biasAndClip(heap.address(y), biasAt, sizeOf(y.shape) / channels, channels, ...clip);
    return y;
  };

  const inputGradient: Kernel = (_, { dy, filter }, attributes) => {
    const window = windowOf(attributes.inputShape, filter!.shape, attributes);
    const dx = heap.zeros(attributes.inputShape);
    heap.withTransposed(filter!, window.inChannels, window.outChannels, (transposed) => {
      const at = heap.windowAt(windowFields(window));
      heap.kernels.inputGradient(heap.address(dx), transposed, heap.address(dy!), at);
    });
    return dx;
  };

  const filterGradient: Kernel = (_, { x, dy }, attributes) => {
    const window = windowOf(x!.shape, attributes.filterShape, attributes);
    const dw = heap.zeros(attributes.filterShape);
    const at = heap.windowAt(windowFields(window));
    heap.kernels.filterGradient(heap.address(x!), heap.address(dw), heap.address(dy!), at);
    return dw;
  };

  const depthwiseInput: Kernel = (_, { dy, filter }, attributes) => {
    const window = windowOf(attributes.inputShape, filter!.shape, attributes, true);
    if (window.outChannels !== window.inChannels) return null;
    const dx = heap.zeros(attributes.inputShape);
    const at = heap.windowAt(windowFields(window));
    heap.kernels.depthwiseInputGradient(heap.address(dx), heap.address(filter!), heap.address(dy!), at);
    return dx;
  };

  const depthwiseFilter: Kernel = (_, { x, dy }, attributes) => {
    const window = windowOf(x!.shape, attributes.filterShape, attributes, true);
    if (window.outChannels !== window.inChannels) return null;
    const dw = heap.zeros(attributes.filterShape);
    const at = heap.windowAt(windowFields(window));
    heap.kernels.depthwiseFilterGradient(heap.address(x!), heap.address(dw), heap.address(dy!), at);
    return dw;
  };

  install(tf, heap, {
    Conv2D: convolution,
    FusedConv2D: fused,
    Conv2DBackpropInput: inputGradient,
    Conv2DBackpropFilter: filterGradient,
    DepthwiseConv2dNativeBackpropInput: depthwiseInput,
    DepthwiseConv2dNativeBackpropFilter: depthwiseFilter,
  });
}

function isOurs({ dataFormat = "NHWC" }: Parameters<Kernel>[2]): boolean {
  return dataFormat === "NHWC";
}

function convolve(heap: Heap, x: TensorInfo, filter: TensorInfo, window: Window): TensorInfo {
  const y = heap.zeros(window.outShape);
  const at = heap.windowAt(windowFields(window));
  heap.kernels.convolution(heap.address(x), heap.address(filter), heap.address(y), at);
  return y;
}
