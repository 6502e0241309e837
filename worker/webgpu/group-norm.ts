/**
 * Group normalisation with the ReLU that may follow, and its gradient (formulas: worker/segmentation/nn/group-norm.ts): sums over
 * pixels per channel in parts, then one pass over the image that reads the few numbers of its group. Instead of some twenty
 * passes of multiplications, sums and products with a [C, C] matrix.
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { normEpsilon, normKernels } from "../segmentation/nn/group-norm.js";
import type { Tf } from "../segmentation/tf.js";
import type { GpuBackend } from "./gpu.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, runProgram, sumCode } from "./program.js";
import { addParts } from "./reduce.js";
import { type Attributes, install, type Kernel } from "./registry.js";

/** Pixels of one part of a sum. */
const partPixels = 128;

export function installGroupNorm(tf: Tf): void {
  const forward: Kernel = (backend, { x, gamma, beta }, attributes) => {
    const sums = channelSums(backend, { x: x! }, plainTerms, "norm");
    const y = normalised(backend, { x: x!, gamma: gamma!, beta: beta!, sums }, attributes);
    return [y, sums];
  };
  const gradient: Kernel = (backend, { x, gamma, y, dy, sums }, attributes) => {
    // A program has to use all that it is given.
    const named: Named = { x: x!, dy: dy!, ...(attributes.relu ? { y: y! } : {}) };
    const terms = channelSums(backend, named, gradientTerms(attributes.relu), `norm gradient ${attributes.relu}`);
    const dx = gradientByInput(backend, { ...named, gamma: gamma!, sums: sums!, terms }, attributes);
    const [dGamma, dBeta] = gradientByParameters(backend, { sums: sums!, terms }, x!.shape, attributes);
    backend.disposeData(terms.dataId);
    return [dx, dGamma, dBeta];
  };
  install(tf, { [normKernels.forward]: forward, [normKernels.gradient]: gradient });
}

const plainTerms = ["x[at]", "x[at] * x[at]"];
const slope = (relu: boolean) => (relu ? "dy[at] * sign(y[at])" : "dy[at]");
const gradientTerms = (relu: boolean) => [slope(relu), `${slope(relu)} * x[at]`];

type Named = Readonly<Record<string, TensorInfo>>;

function namesOf(inputs: Named): (readonly [string, 1])[] {
  return Object.keys(inputs).map((name) => [name, 1] as const);
}

interface Shape {
  readonly images: number;
  readonly pixels: number;
  readonly channels: number;
}

function shapeOf([images, height, width, channels]: readonly number[]): Shape {
  return { images: images!, pixels: height! * width!, channels: channels! };
}

/** Sums over pixels of two terms: [2, N, C]. */
function channelSums(backend: GpuBackend, inputs: Named, terms: string[], key: string): TensorInfo {
  const { images, pixels, channels } = shapeOf(inputs.x!.shape);
  const parts = Math.ceil(pixels / partPixels);
  const text: ProgramText = {
    key: `${key} sums`,
    code: `
      fn termsOf(at : i32) -> vec2<f32> { return vec2<f32>(${terms.join(", ")}); }
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        let line = index / uniforms.channels;
        let channel = index - line * uniforms.channels;
        let part = line / uniforms.images;
        let image = line - part * uniforms.images;
        let end = min((part + 1) * ${partPixels}, uniforms.pixels);
        ${sumCode("vec2<f32>(0.0)", `part * ${partPixels}`, "end", (pixel) => `termsOf((image * uniforms.pixels + ${pixel}) * uniforms.channels + channel)`)}
        let place = (part * 2 * uniforms.images + image) * uniforms.channels + channel;
        result[place] = total.x;
        result[place + uniforms.images * uniforms.channels] = total.y;
      }`,
    inputs: namesOf(inputs),
    resultWidth: 1,
    workgroupSize: lineWidth,
  };
  const cells = parts * images * channels;
  const dispatch = { outputShape: [parts, 2, images, channels], groups: lineOf(cells) };
  const sums = runProgram(backend, text, dispatch, Object.values(inputs), { cells, images, pixels, channels });
  return addParts(backend, sums, parts, [2, images, channels]);
}

/** mean and 1 / deviation of the group of a channel, from `sums`. */
const groupCode = `
  fn statisticsOf(image : i32, channel : i32) -> vec2<f32> {
    let first = image * uniforms.channels + channel / uniforms.perGroup * uniforms.perGroup;
    var total = vec2<f32>(0.0);
    for (var i = 0; i < uniforms.perGroup; i = i + 1) {
      total = total + vec2<f32>(sums[first + i], sums[uniforms.images * uniforms.channels + first + i]);
    }
    let mean = total / f32(uniforms.pixels * uniforms.perGroup);
    return vec2<f32>(mean.x, inverseSqrt(max(mean.y - mean.x * mean.x, 0.0) + ${normEpsilon}));
  }`;

function uniformsOf(shape: readonly number[], { groups }: Attributes) {
  const { images, pixels, channels } = shapeOf(shape);
  return { cells: cellsOf(shape), images, pixels, channels, perGroup: channels / groups };
}

/** A program with an invocation per cell of x. */
function perCell(
  backend: GpuBackend,
  inputs: Named,
  attributes: Attributes,
  text: Pick<ProgramText, "key" | "code">,
): TensorInfo {
  const outputShape = inputs.x!.shape;
  const whole: ProgramText = { ...text, inputs: namesOf(inputs), resultWidth: 1, workgroupSize: lineWidth };
  const dispatch = { outputShape, groups: lineOf(cellsOf(outputShape)) };
  return runProgram(backend, whole, dispatch, Object.values(inputs), uniformsOf(outputShape, attributes));
}

function normalised(backend: GpuBackend, inputs: Named, attributes: Attributes): TensorInfo {
  const value = "(x[index] - mean.x) * mean.y * gamma[channel] + beta[channel]";
  return perCell(backend, inputs, attributes, {
    key: `norm ${attributes.relu}`,
    code: `
      ${groupCode}
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        let channel = index % uniforms.channels;
        let mean = statisticsOf(index / (uniforms.pixels * uniforms.channels), channel);
        result[index] = ${attributes.relu ? `max(${value}, 0.0)` : value};
      }`,
  });
}

/** dx = r (gamma dy - mean(gamma dy) - x^ mean(gamma dy x^)), means over the group, x^ = (x - m) r. */
function gradientByInput(backend: GpuBackend, inputs: Named, attributes: Attributes): TensorInfo {
  return perCell(backend, inputs, attributes, {
    key: `norm by input ${attributes.relu}`,
    code: `
      ${groupCode}
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        let channel = index % uniforms.channels;
        let image = index / (uniforms.pixels * uniforms.channels);
        let mean = statisticsOf(image, channel);
        let groupFirst = channel / uniforms.perGroup * uniforms.perGroup;
        let first = image * uniforms.channels + groupFirst;
        var total = vec2<f32>(0.0);
        for (var i = 0; i < uniforms.perGroup; i = i + 1) {
          let plain = terms[first + i];
          let byX = terms[uniforms.images * uniforms.channels + first + i];
          total = total + gamma[groupFirst + i] * vec2<f32>(plain, (byX - plain * mean.x) * mean.y);
        }
        total = total / f32(uniforms.pixels * uniforms.perGroup);
        let at = index;
        let hat = (x[at] - mean.x) * mean.y;
        result[index] = mean.y * (gamma[channel] * ${slope(attributes.relu)} - total.x - hat * total.y);
      }`,
  });
}

/** [dgamma, dbeta], sums over images in order. */
function gradientByParameters(
  backend: GpuBackend,
  inputs: Named,
  shape: readonly number[],
  attributes: Attributes,
): readonly [TensorInfo, TensorInfo] {
  const { channels } = shapeOf(shape);
  const one = (name: string, given: Named, term: string) => {
    const text: ProgramText = {
      key: `norm by ${name}`,
      code: `
        ${"sums" in given ? groupCode : ""}
        fn main(index : i32) {
          if (index >= uniforms.channels) { return; }
          var sum = 0.0;
          for (var image = 0; image < uniforms.images; image = image + 1) {
            let at = image * uniforms.channels + index;
            ${term}
          }
          result[index] = sum;
        }`,
      inputs: namesOf(given),
      resultWidth: 1,
      workgroupSize: lineWidth,
    };
    const dispatch = { outputShape: [channels], groups: lineOf(channels) };
    return runProgram(backend, text, dispatch, Object.values(given), uniformsOf(shape, attributes));
  };
  const byGamma = `
    let mean = statisticsOf(image, index);
    sum = sum + (terms[uniforms.images * uniforms.channels + at] - terms[at] * mean.x) * mean.y;`;
  return [one("gamma", inputs, byGamma), one("beta", { terms: inputs.terms! }, "sum = sum + terms[at];")];
}
