/** Draws a micro-batch's crops (formula: worker/segmentation/augment.ts) from the photos' bytes, an invocation for each pixel. */
import { cropKernel, lookFloats, photoWords } from "../segmentation/batch.js";
import type { Tf } from "../segmentation/tf.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, runProgram } from "./program.js";
import { install, type Kernel } from "./registry.js";

const text: ProgramText = {
  key: "crops",
  code: `
    fn colourAt(image : i32, row : i32, column : i32) -> vec3<f32> {
      let first = (row * uniforms.imageSize + column) * 3;
      var colour : vec3<f32>;
      for (var i = 0; i < 3; i = i + 1) {
        let at = first + i;
        let word = u32(photos[image * uniforms.words + at / 4]);
        colour[i] = f32((word >> u32(8 * (at % 4))) & 255u);
      }
      return colour;
    }
    fn main(index : i32) {
      if (index >= uniforms.pixels) { return; }
      let line = index / uniforms.size;
      let image = line / uniforms.size;
      let look = image * uniforms.lookFloats;
      let row = look + 2 * (line - image * uniforms.size);
      let column = look + 2 * (uniforms.size + index - line * uniforms.size);
      let light = look + 4 * uniforms.size;
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

export function installCrops(tf: Tf): void {
  const crops: Kernel = (backend, { photos, looks }, { imageSize, size }) => {
    const outputShape = [photos!.shape[0]!, size, size, 3];
    const pixels = cellsOf(outputShape) / 3;
    const uniforms = { pixels, size, imageSize, words: photoWords(imageSize), lookFloats: lookFloats(size) };
    return runProgram(backend, text, { outputShape, groups: lineOf(pixels) }, [photos!, looks!], uniforms);
  };
  install(tf, { [cropKernel]: crops });
}
