/**
 * PAMR (worker/segmentation/pamr.ts) in f32: an invocation for all of a pixel's weights, and one for a pixel's next value of each
 * channel, or of four. Weights are stored rather than worked out again in every iteration, which would take two looks at the
 * colours of all neighbours; neighbour by neighbour, so that invocations side by side read numbers side by side. The neighbours are
 * part of the text: no loop, and what a pixel keeps of each of them stays in registers.
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { deviationMin, deviationShare, exponentMin, neighbourSteps } from "../segmentation/pamr.js";
import { pamrKernels } from "../segmentation/pamr-program.js";
import type { Tf } from "../segmentation/tf.js";
import type { GpuBackend } from "./gpu.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, runProgram, zeroOf } from "./program.js";
import { install, type Kernel } from "./registry.js";

export function installPamr(tf: Tf): void {
  const affinity: Kernel = (backend, { rgb }, { dilations }) => weightsOf(backend, rgb!, dilations);
  const mean: Kernel = (backend, { map, weights }, { dilations }) => meansOf(backend, map!, weights!, dilations);
  install(tf, { [pamrKernels.affinity]: affinity, [pamrKernels.mean]: mean });
}

function weightsOf(backend: GpuBackend, rgb: TensorInfo, dilations: readonly number[]): TensorInfo {
  const side = rgb.shape[0]!;
  const text: ProgramText = {
    key: `pamr affinity ${dilations}`,
    code: affinityCode(dilations),
    inputs: [["rgb", 1]],
    resultWidth: 1,
    workgroupSize: lineWidth,
  };
  const outputShape = [neighbourSteps(dilations).length, side, side];
  return runProgram(backend, text, { outputShape, groups: lineOf(side * side) }, [rgb], { side });
}

/** Of the square picture's cells: where one is whose place may lie outside. */
const insideCode = `
    fn cellAt(place : vec2<i32>) -> i32 {
      let inside = clamp(place, vec2<i32>(0), vec2<i32>(uniforms.side - 1));
      return inside.x * uniforms.side + inside.y;
    }
    fn placeOf(cell : i32) -> vec2<i32> {
      let row = cell / uniforms.side;
      return vec2<i32>(row, cell - row * uniforms.side);
    }`;

/** One line of text for each neighbour. */
function forEach(dilations: readonly number[], line: (step: string, n: number) => string): string {
  return neighbourSteps(dilations)
    .map(([dy, dx], n) => line(`vec2<i32>(${dy}, ${dx})`, n))
    .join("\n");
}

/**
 * The variance's subtraction is harmless in f32: the pixel itself counts once per distance, with the difference 0, so that at least
 * a ninth of the squares is left (Cauchy and Schwarz).
 */
function affinityCode(dilations: readonly number[]): string {
  const neighbours = neighbourSteps(dilations).map((_, n) => n);
  const count = neighbours.length + dilations.length;
  return `
    ${insideCode}
    fn colourAt(place : vec2<i32>) -> vec3<f32> {
      let at = 3 * cellAt(place);
      return vec3<f32>(rgb[at], rgb[at + 1], rgb[at + 2]);
    }
    fn powerOf(exponent : f32) -> f32 { return select(0.0, exp(exponent), exponent > ${exponentMin}.0); }
    fn main(index : i32) {
      let cells = uniforms.side * uniforms.side;
      if (index >= cells) { return; }
      let place = placeOf(index);
      let own = colourAt(place);
      var difference = vec3<f32>(0.0);
      var sum = vec3<f32>(0.0);
      var squares = vec3<f32>(0.0);
      ${forEach(dilations, (step) => `difference = colourAt(place + ${step}) - own; sum = sum + difference; squares = squares + difference * difference;`)}
      let variance = max(squares - sum * sum / ${count}.0, vec3<f32>(0.0)) / ${count - 1}.0;
      let scale = 1.0 / (3.0 * (${deviationMin} + ${deviationShare} * sqrt(variance)));
      ${forEach(dilations, (step, n) => `let e${n} = -dot(abs(colourAt(place + ${step}) - own), scale);`)}
      var largest = e0;
      ${neighbours.map((n) => `largest = max(largest, e${n});`).join("\n")}
      var total = 0.0;
      ${neighbours.map((n) => `let w${n} = powerOf(e${n} - largest); total = total + w${n};`).join("\n")}
      ${neighbours.map((n) => `result[${n} * cells + index] = w${n} / total;`).join("\n")}
    }`;
}

function meansOf(backend: GpuBackend, map: TensorInfo, weights: TensorInfo, dilations: readonly number[]): TensorInfo {
  const [side, , channels] = map.shape as [number, number, number];
  const width = channels % 4 === 0 ? 4 : 1;
  const text: ProgramText = {
    key: `pamr mean ${dilations} ${width}`,
    code: meanCode(dilations, width),
    inputs: [
      ["map", width],
      ["weights", 1],
    ],
    resultWidth: width,
    workgroupSize: lineWidth,
  };
  const values = cellsOf(map.shape) / width;
  const dispatch = { outputShape: map.shape, groups: lineOf(values) };
  return runProgram(backend, text, dispatch, [map, weights], { values, side, channels: channels / width });
}

/** Channels of one pixel side by side: they share its weights, and so do the four of a vector. Four sums overlap their additions. */
function meanCode(dilations: readonly number[], width: 1 | 4): string {
  const product = (step: string, n: number) =>
    `weights[${n} * cells + cell] * map[cellAt(place + ${step}) * uniforms.channels + channel]`;
  return `
    ${insideCode}
    fn main(index : i32) {
      if (index >= uniforms.values) { return; }
      let cells = uniforms.side * uniforms.side;
      let cell = index / uniforms.channels;
      let channel = index - cell * uniforms.channels;
      let place = placeOf(cell);
      ${[0, 1, 2, 3].map((i) => `var sum${i} = ${zeroOf(width)};`).join("\n")}
      ${forEach(dilations, (step, n) => `sum${n % 4} = sum${n % 4} + ${product(step, n)};`)}
      result[index] = (sum0 + sum1) + (sum2 + sum3);
    }`;
}
