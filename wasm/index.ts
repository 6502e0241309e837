/**
 * What the wasm engine adds to tfjs-backend-wasm (docs/ENGINES.md): AssemblyScript, compiled by scripts/wasm.mjs
 * and run on the backend's own memory. Arguments are addresses in that memory and counts of float32 values; all maps are
 * NHWC. Every sum has one fixed order, so that the same input gives the same bits on every processor, by any number of threads.
 * No allocation.
 */
export { roomBytes } from "./gemm";
export {
  biasAndClip,
  convolution,
  depthwiseFilterGradient,
  depthwiseInputGradient,
  filterGradient,
  gemm,
  inputGradient,
  maxPoolGradient,
  meanPoolGradient,
  reluGradient,
  sign,
  sumMiddle,
  transposeEach,
} from "./kernels";
export { fail, help, helpedParts, jobBytes, join } from "./team";
