/** Gradient of ReLU and ReLU6 in one pass; composed, as worker/segmentation/nn/relu.ts would, ReLU6 takes five. */
import { reluGradient } from "../segmentation/nn/relu.js";
import type { Tf } from "../segmentation/tf.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, runProgram, zeroOf } from "./program.js";
import { install, type Kernel } from "./registry.js";

export function installRelu(tf: Tf): void {
  const gradient: Kernel = (backend, { dy, y }, { ceiling }) => {
    const outputShape = dy!.shape;
    const width = cellsOf(outputShape) % 4 === 0 ? 4 : 1;
    const cells = cellsOf(outputShape) / width;
    const zero = zeroOf(width);
    const isBelow = ceiling > 0 ? `y[index] < ${zero} + ${ceiling}.0` : "true";
    const text: ProgramText = {
      key: `relu gradient ${ceiling} ${width}`,
      code: `
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        let passed = select(${zero}, dy[index], y[index] > ${zero});
        result[index] = select(${zero}, passed, ${isBelow});
      }`,
      inputs: [
        ["dy", width],
        ["y", width],
      ],
      resultWidth: width,
      workgroupSize: lineWidth,
    };
    return runProgram(backend, text, { outputShape, groups: lineOf(cells) }, [dy!, y!], { cells });
  };
  install(tf, { [reluGradient]: gradient });
}
