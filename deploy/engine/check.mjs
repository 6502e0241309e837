/**
 * Loads one built addon in this process and computes the gradient of a 2x2 convolution's filter on a 3x3 image.
 * Run as a child (`node check.mjs ADDON [gpu]`): a library that does not fit this machine may kill its process.
 * Talks to the addon directly, so that an engine is proven before anything in node_modules points to it.
 */

import { createRequire } from "node:module";

const addonPath = process.argv[2];
const binding = createRequire(import.meta.url)(addonPath);

// filterGrad[i][j] = sum over a, b of outputGrad[a][b] * image[a + i][b + j], by hand: 1*1 + 2*2 + 3*4 + 4*5 = 37, ...
const image = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
const outputGrad = Float32Array.of(1, 2, 3, 4);
const expected = [37, 47, 67, 77];

const attributes = [
  { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
  { name: "strides", type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
  { name: "padding", type: binding.TF_ATTR_STRING, value: "VALID" },
  { name: "data_format", type: binding.TF_ATTR_STRING, value: "NHWC" },
  { name: "use_cudnn_on_gpu", type: binding.TF_ATTR_BOOL, value: true },
  { name: "dilations", type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
];
const inputs = [
  binding.createTensor([1, 3, 3, 1], binding.TF_FLOAT, image),
  binding.createTensor([4], binding.TF_INT32, Int32Array.of(2, 2, 1, 1)),
  binding.createTensor([1, 2, 2, 1], binding.TF_FLOAT, outputGrad),
];
const [output] = binding.executeOp("Conv2DBackpropFilter", attributes, inputs, 1);
const actual = [...binding.tensorDataSync(output.id)];

if (actual.join() !== expected.join()) {
  console.error(`Conv2DBackpropFilter gave ${actual.join(" ")} where ${expected.join(" ")} is right.`);
  process.exit(1);
}
// Tensors are put on the device that the addon has chosen, and so is the convolution above.
if (process.argv[3] === "gpu" && !binding.isUsingGpuDevice()) {
  console.error("the convolution ran on the processor: TensorFlow found no GPU that it can use");
  process.exit(1);
}
console.log(JSON.stringify({ tensorflow: binding.TF_Version, gpu: binding.isUsingGpuDevice() }));
