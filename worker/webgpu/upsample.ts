/**
 * Gradient of bilinear enlargement with pixel centres at half positions (worker/segmentation/nn/upsample.ts): every cell gathers
 * from the enlarged cells that it went into.
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import { upsampleGradient } from "../segmentation/nn/upsample.js";
import type { Tf } from "../segmentation/tf.js";
import type { GpuBackend } from "./gpu.js";
import { cellsOf, lineOf, lineWidth, type ProgramText, placeCode, runProgram, zeroOf } from "./program.js";
import { install, type Kernel } from "./registry.js";

export function installUpsample(tf: Tf): void {
  const gradient: Kernel = (backend, { dy }, { height, width }) => gather(backend, dy!, height, width);
  install(tf, { [upsampleGradient]: gradient });
}

function gather(backend: GpuBackend, dy: TensorInfo, inHeight: number, inWidth: number): TensorInfo {
  const [images, outHeight, outWidth, channels] = dy.shape as [number, number, number, number];
  const width = channels % 4 === 0 ? 4 : 1;
  const outputShape = [images, inHeight, inWidth, channels];
  const cells = cellsOf(outputShape) / width;
  const text: ProgramText = {
    key: `upsample gradient ${width}`,
    code: gatherCode(width),
    inputs: [["dy", width]],
    resultWidth: width,
    workgroupSize: lineWidth,
  };
  const uniforms = { cells, inHeight, inWidth, outHeight, outWidth, channels: channels / width };
  return runProgram(backend, text, { outputShape, groups: lineOf(cells) }, [dy], uniforms);
}

function gatherCode(width: 1 | 4): string {
  return `
    // Share of cell "to" of "fine" ones, enlarged from "coarse" ones, that came from cell "at".
    fn shareOf(to : i32, at : i32, coarse : i32, fine : i32) -> f32 {
      let place = max(0.0, (f32(to) + 0.5) * f32(coarse) / f32(fine) - 0.5);
      let low = min(i32(floor(place)), coarse - 1);
      let high = min(low + 1, coarse - 1);
      let rest = place - f32(low);
      return select(0.0, 1.0 - rest, low == at) + select(0.0, rest, high == at);
    }
    // The enlarged cells that can have a share in cell "at", and one more on either side.
    fn spanOf(at : i32, coarse : i32, fine : i32) -> vec2<i32> {
      let scale = f32(fine) / f32(coarse);
      let first = i32(floor((f32(at) - 0.5) * scale - 0.5)) - 1;
      let last = i32(ceil((f32(at) + 1.5) * scale - 0.5)) + 1;
      return vec2<i32>(max(first, 0), min(last, fine - 1));
    }
    fn main(index : i32) {
      ${placeCode}
      let rows = spanOf(at.x, uniforms.inHeight, uniforms.outHeight);
      let columns = spanOf(at.y, uniforms.inWidth, uniforms.outWidth);
      var sum = ${zeroOf(width)};
      for (var row = rows.x; row <= rows.y; row = row + 1) {
        let rowShare = shareOf(row, at.x, uniforms.inHeight, uniforms.outHeight);
        for (var column = columns.x; column <= columns.y; column = column + 1) {
          let share = rowShare * shareOf(column, at.y, uniforms.inWidth, uniforms.outWidth);
          let place = ((image * uniforms.outHeight + row) * uniforms.outWidth + column) * uniforms.channels + channel;
          sum = sum + share * dy[place];
        }
      }
      result[index] = sum;
    }`;
}
