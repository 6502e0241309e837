/** Channels that are filled up to a multiple of four, or cut back from it: four are read at once. */
import type { backend_util, TensorInfo } from "@tensorflow/tfjs";
import type { GpuBackend } from "./gpu.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, runProgram } from "./program.js";

type Channels = Pick<backend_util.Conv2DInfo, "inChannels" | "outChannels">;

/** Three channels of a photo: a fourth one of zeros is read faster. */
export function isWorthPadding({ inChannels, outChannels }: Channels): boolean {
  return inChannels % 4 !== 0 && outChannels % 4 === 0;
}

export function wideChannels({ inChannels }: Pick<Channels, "inChannels">): number {
  return Math.ceil(inChannels / 4) * 4;
}

/** x and filter. */
export function paddedInputs(
  backend: GpuBackend,
  window: backend_util.Conv2DInfo,
  [x, filter]: readonly TensorInfo[],
): TensorInfo[] {
  const { inChannels: from, outChannels, filterHeight, filterWidth } = window;
  const to = wideChannels(window);
  const byPixel = { outer: cellsOf(x!.shape) / from, from, to, inner: 1 };
  const byTap = { outer: filterHeight * filterWidth, from, to, inner: outChannels };
  return [
    repacked(backend, x!, byPixel, [...x!.shape.slice(0, 3), to]),
    repacked(backend, filter!, byTap, [filterHeight, filterWidth, to, outChannels]),
  ];
}

/** [outer, from, inner] -> [outer, to, inner]: cut, or filled up with zeros. */
export function repacked(
  backend: GpuBackend,
  x: TensorInfo,
  { outer, from, to, inner }: Readonly<Record<"outer" | "from" | "to" | "inner", number>>,
  outputShape: readonly number[],
): TensorInfo {
  const text: ProgramText = {
    key: "repack",
    code: `
      fn main(index : i32) {
        if (index >= uniforms.cells) { return; }
        let line = index / uniforms.inner;
        let block = line / uniforms.wide;
        let at = line - block * uniforms.wide;
        let place = (block * uniforms.narrow + at) * uniforms.inner + index - line * uniforms.inner;
        result[index] = select(0.0, x[select(0, place, at < uniforms.narrow)], at < uniforms.narrow);
      }`,
    inputs: [["x", 1]],
    resultWidth: 1,
    workgroupSize: lineWidth,
  };
  const cells = outer * to * inner;
  return runProgram(backend, text, { outputShape, groups: lineOf(cells) }, [x], {
    cells,
    inner,
    wide: to,
    narrow: from,
  });
}
