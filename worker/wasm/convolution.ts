/** Convolutions and their gradients: what a training step spends its time on. */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../segmentation/tf.js";
import { type Heap, sizeOf } from "./heap.js";
import { install, type Kernel } from "./registry.js";
import { type Window, windowFields } from "./window.js";

/** Below this many channels a product per tap is too short; XNNPACK, which the backend calls, gathers all taps first. */
const channelsMin = 8;

/** A filter's gradient is summed image by image, which threads do side by side, unless such sums fall out of the cache. */
const sumBytesMax = 256 * 1024;

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
    const dx = heap.room(attributes.inputShape);
    heap.withTransposed(filter!, window.inChannels, window.outChannels, (transposed) => {
      const at = heap.windowAt(windowFields(window));
      heap.kernels.inputGradient(heap.address(dx), transposed, heap.address(dy!), at);
    });
    return dx;
  };

  const filterGradient: Kernel = (_, { x, dy }, attributes) => {
    const window = windowOf(x!.shape, attributes.filterShape, attributes);
    const groups = 4 * sizeOf(attributes.filterShape) <= sumBytesMax ? window.batchSize : 1;
    return sumOfGroups(heap, groups, attributes.filterShape, (sums) => {
      const at = heap.windowAt(windowFields(window));
      heap.kernels.filterGradient(heap.address(x!), sums, heap.address(dy!), at, groups);
    });
  };

  const depthwiseInput: Kernel = (_, { dy, filter }, attributes) => {
    const window = windowOf(attributes.inputShape, filter!.shape, attributes, true);
    if (window.outChannels !== window.inChannels) return null;
    const dx = heap.room(attributes.inputShape);
    const at = heap.windowAt(windowFields(window));
    heap.kernels.depthwiseInputGradient(heap.address(dx), heap.address(filter!), heap.address(dy!), at);
    return dx;
  };

  const depthwiseFilter: Kernel = (_, { x, dy }, attributes) => {
    const window = windowOf(x!.shape, attributes.filterShape, attributes, true);
    if (window.outChannels !== window.inChannels) return null;
    return sumOfGroups(heap, window.batchSize, attributes.filterShape, (sums) => {
      const at = heap.windowAt(windowFields(window));
      heap.kernels.depthwiseFilterGradient(heap.address(x!), sums, heap.address(dy!), at);
    });
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
  const y = heap.room(window.outShape);
  const at = heap.windowAt(windowFields(window));
  heap.kernels.convolution(heap.address(x), heap.address(filter), heap.address(y), at);
  return y;
}

/** Gives `work` zeros, [groups, ...shape], to add to; the sum over the groups. */
function sumOfGroups(heap: Heap, groups: number, shape: readonly number[], work: (sums: number) => void): TensorInfo {
  const sums = heap.zeros([groups, ...shape]);
  work(heap.address(sums));
  if (groups === 1) return { ...sums, shape: [...shape] };
  const total = heap.room(shape);
  heap.kernels.sumMiddle(heap.address(sums), heap.address(total), 1, groups, sizeOf(shape), 1);
  heap.backend.disposeData(sums.dataId);
  return total;
}
