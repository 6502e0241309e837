/** What a GPU can do at best, measured: for those without a data sheet, and for one that is made of software. */
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "../../worker/segmentation/tf.js";
import type { GpuBackend } from "../../worker/webgpu/gpu.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, runProgram } from "../../worker/webgpu/program.js";
import { bytesOfCall, type Call, RecordedCall } from "./calls.js";

export interface Roof {
  readonly tflops: number;
  readonly gbps: number;
}

const rounds = 5;
/** Of four numbers each; as many chains do not wait for one another. */
const [chains, turns] = [8, 64];
const width = 4;
const flopsPerCell = 2 * chains * turns;

const copyText: ProgramText = {
  key: "roof copy",
  code: `
  fn main(index : i32) {
    if (index >= uniforms.cells) { return; }
    result[index] = x[index];
  }`,
  inputs: [["x", width]],
  resultWidth: width,
  workgroupSize: lineWidth,
};

const each = (text: (chain: number) => string) => Array.from({ length: chains }, (_, i) => text(i));

/** Multiplications that are added to, on registers. The factors are known to nobody before, so that none can be left out. */
const arithmeticText: ProgramText = {
  key: "roof arithmetic",
  code: `
  fn main(index : i32) {
    if (index >= uniforms.cells) { return; }
    let factor = x[index];
    ${each((i) => `var sum${i} = factor + ${i}.0;`).join("\n")}
    for (var turn = 0; turn < ${turns}; turn = turn + 1) {
      ${each((i) => `sum${i} = fma(sum${i}, factor, factor);`).join("\n")}
    }
    result[index] = ${each((i) => `sum${i}`).join(" + ")};
  }`,
  inputs: [["x", width]],
  resultWidth: width,
  workgroupSize: lineWidth,
};

/** The most of five rounds each. `isLarge`: for a GPU with memory of its own. */
export async function measuredRoof(tf: Tf, isLarge: boolean): Promise<Roof> {
  const copied = streamOf(isLarge ? 2 ** 25 : 2 ** 22);
  const computed = streamOf(isLarge ? 2 ** 22 : 2 ** 16);
  const copyMs = await leastMs(tf, copied, copyText);
  const arithmeticMs = await leastMs(tf, computed, arithmeticText);
  const flops = flopsPerCell * cellsOf(computed.output.shape);
  return { tflops: flops / arithmeticMs / 1e9, gbps: bytesOfCall(copied) / copyMs / 1e6 };
}

function streamOf(count: number): Call {
  const vector = { shape: [count], dtype: "float32" as const };
  return { kernel: "stream", inputs: { x: vector }, attributes: {}, output: vector };
}

async function leastMs(tf: Tf, call: Call, text: ProgramText): Promise<number> {
  const kernel: KernelFunc = ({ inputs, backend }) => {
    const x = inputs.x as TensorInfo;
    const cells = cellsOf(x.shape) / width;
    return runProgram(backend as GpuBackend, text, { outputShape: x.shape, groups: lineOf(cells) }, [x], { cells });
  };
  const recorded = await RecordedCall.of(tf, call, kernel, "f32");
  await recorded.warm();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await recorded.ms(true));
  recorded.dispose();
  return Math.min(...times);
}
