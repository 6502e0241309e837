/** Where a convolution looks, by tfjs's own rules for padding and rounding. */
import type { backend_util } from "@tensorflow/tfjs";

export type Window = backend_util.Conv2DInfo;

/** In the order of the fields in wasm/window.ts. */
export function windowFields(window: Window): number[] {
  return [
    ...[window.batchSize, window.inHeight, window.inWidth, window.inChannels],
    ...[window.outHeight, window.outWidth, window.outChannels],
    ...[window.filterHeight, window.filterWidth],
    ...[window.strideHeight, window.strideWidth],
    ...[window.dilationHeight, window.dilationWidth],
    ...[window.padInfo.top, window.padInfo.left],
  ];
}
