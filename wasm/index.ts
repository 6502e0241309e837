/**
 * What the wasm engine adds to tfjs-backend-wasm (docs/ENGINES.md): AssemblyScript, compiled by scripts/wasm.mjs
 * and run on the backend's own memory. Arguments are addresses in that memory and counts of float32 values; all maps are
 * NHWC. Every sum has one fixed order, so that the same input gives the same bits on every processor. No allocation.
 */
export { convolution, filterGradient, inputGradient } from "./convolution";
export { depthwiseFilterGradient, depthwiseInputGradient } from "./depthwise";
export { gemm, packedBytes, setPacked, transposeEach } from "./gemm";
export { maxPoolGradient, meanPoolGradient } from "./pooling";
export { biasAndClip, sumMiddle } from "./reduce";
