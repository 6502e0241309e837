/** Draws a micro-batch's crops, and those of the labels (formulas: worker/segmentation/augment.ts), from bytes, an invocation for each pixel. */
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import { cropKernels, lookFloats } from "../segmentation/engine-batch.js";
import type { Tf } from "../segmentation/tf.js";
import { lineOf, lineWidth, type ProgramText, runProgram } from "./program.js";
import { install, type Kernel } from "./registry.js";

/** Byte `at` of an image's; where row and column of cell `index` lie in the photo, and how it is lit. */
const placeCode = (from: string) => `
    fn byteAt(image : i32, at : i32) -> u32 {
      let word = u32(${from}[image * uniforms.words + at / 4]);
      return (word >> u32(8 * (at % 4))) & 255u;
    }
    fn main(index : i32) {
      if (index >= uniforms.pixels) { return; }
      let line = index / uniforms.size;
      let image = line / uniforms.size;
      let look = image * uniforms.lookFloats;
      let row = look + 2 * (line - image * uniforms.size);
      let column = look + 2 * (uniforms.size + index - line * uniforms.size);
      let light = look + 4 * uniforms.size;`;

const pictures: ProgramText = {
  key: "crops",
  code: `
    fn colourAt(image : i32, row : i32, column : i32) -> vec3<f32> {
      let first = (row * uniforms.imageSize + column) * 3;
      var colour : vec3<f32>;
      for (var i = 0; i < 3; i = i + 1) {
        colour[i] = f32(byteAt(image, first + i));
      }
      return colour;
    }
    ${placeCode("photos")}
      let last = uniforms.imageSize - 1;
      let top = i32(looks[row]);
      let left = i32(looks[column]);
      let bottom = min(last, top + 1);
      let right = min(last, left + 1);
      let v = looks[column + 1];
      let upper = colourAt(image, top, left) * (1.0 - v) + colourAt(image, top, right) * v;
      let lower = colourAt(image, bottom, left) * (1.0 - v) + colourAt(image, bottom, right) * v;
      let u = looks[row + 1];
      var colour = (upper * (1.0 - u) + lower * u) / 127.5 - 1.0;
      if (looks[light + 4] > 0.0) { colour = vec3<f32>(dot(colour, vec3<f32>(0.299, 0.587, 0.114))); }
      let offset = vec3<f32>(looks[light + 1], looks[light + 2], looks[light + 3]);
      colour = clamp(colour * looks[light] + offset, vec3<f32>(-1.0), vec3<f32>(1.0));
      for (var i = 0; i < 3; i = i + 1) { result[3 * index + i] = colour[i]; }
    }`,
  inputs: [
    ["photos", 1],
    ["looks", 1],
  ],
  resultWidth: 1,
  workgroupSize: lineWidth,
};

const labels: ProgramText = {
  key: "label crops",
  code: `
    ${placeCode("labels")}
      let y = i32(looks[row]) + select(0, 1, looks[row + 1] >= 0.5);
      let x = i32(looks[column]) + select(0, 1, looks[column + 1] >= 0.5);
      result[index] = i32(byteAt(image, y * uniforms.imageSize + x));
    }`,
  inputs: [
    ["labels", 1],
    ["looks", 1],
  ],
  resultWidth: 1,
  workgroupSize: lineWidth,
};

export function installCrops(tf: Tf): void {
  const drawing = (text: ProgramText, channels: readonly number[], dtype: DataType): Kernel => {
    return (backend, inputs, { imageSize, size }) => {
      const [bytes, looks] = text.inputs.map(([name]) => inputs[name]!) as [TensorInfo, TensorInfo];
      const [count, words] = bytes.shape as [number, number];
      const outputShape = [count, size, size, ...channels];
      const uniforms = { pixels: count * size * size, size, imageSize, words, lookFloats: lookFloats(size) };
      const dispatch = { outputShape, groups: lineOf(uniforms.pixels), dtype };
      return runProgram(backend, text, dispatch, [bytes, looks], uniforms);
    };
  };
  install(tf, {
    [cropKernels.pictures]: drawing(pictures, [3], "float32"),
    [cropKernels.labels]: drawing(labels, [], "int32"),
  });
}
