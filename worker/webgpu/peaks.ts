/** The largest absolute values of a tensor, as many as half-tiles.ts reads: by them gradients are scaled into float16's range. */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { GpuBackend } from "./gpu.js";
import { peakCount } from "./half-tiles.js";
import { cellsOf, type ProgramText, runProgram } from "./program.js";

/** Invocations of a group, and reads that one of them has under way. */
const [threads, lanes] = [256, 4];

/** @param x its number of cells is a multiple of 4 */
export function peaksOf(backend: GpuBackend, x: TensorInfo): TensorInfo {
  const text: ProgramText = {
    key: "peaks",
    code: peaksCode,
    inputs: [["x", 4]],
    resultWidth: 1,
    workgroupSize: threads,
  };
  const dispatch = { outputShape: [peakCount], groups: [peakCount, 1, 1] as const };
  return runProgram(backend, text, dispatch, [x], { cells: cellsOf(x.shape) / 4 });
}

const each = (text: (lane: number) => string) => Array.from({ length: lanes }, (_, lane) => text(lane)).join("\n");

/** Where there are no more cells, the last is looked at again. */
const peaksCode = `
  var<workgroup> own : array<f32, ${threads}>;
  fn main() {
    ${each((lane) => `var peak${lane} = vec4<f32>(0.0);`)}
    let first = (i32(workgroupId.x) * ${threads} + i32(localIndex)) * ${lanes};
    for (var at = first; at < uniforms.cells; at = at + ${peakCount * threads * lanes}) {
      ${each((lane) => `peak${lane} = max(peak${lane}, abs(x[min(at + ${lane}, uniforms.cells - 1)]));`)}
    }
    let peak = max(max(peak0, peak1), max(peak2, peak3));
    own[localIndex] = max(max(peak.x, peak.y), max(peak.z, peak.w));
    workgroupBarrier();
    for (var half = ${threads / 2}u; half > 0u; half = half / 2u) {
      if (localIndex < half) { own[localIndex] = max(own[localIndex], own[localIndex + half]); }
      workgroupBarrier();
    }
    if (localIndex == 0u) { result[workgroupId.x] = own[0]; }
  }`;
