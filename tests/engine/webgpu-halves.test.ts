/** Products in float16 by the webgpu engine: on a GPU with matrix units what they compute, everywhere that their programs are valid. */
import { expect, test } from "vitest";
import { gpuReport } from "../support/gpu-report.js";

const timeoutMs = 120_000;

test("Dawn's compiler takes every program, convolutions and both gradients in each size of tile", {
  timeout: timeoutMs,
}, async ({ skip }) => {
  const programs = await gpuReport<{ tiles: string[]; errors: string[] }>("webgpu-halves.mjs", ["compiled"]);
  if (!programs) return skip("SKIPPED: Dawn is not installed, nothing is proven about float16's programs");
  const { tiles, errors } = programs;
  expect(errors).toEqual([]);
  expect(tiles).toEqual(["128x128", "128x32", "128x64", "64x32", "64x64"]);
});

test("results are float32's but for rounding, the same bits twice", { timeout: timeoutMs }, async ({ skip }) => {
  const gpu = await gpuReport<Report>("webgpu-halves.mjs", ["computed"]);
  if (!gpu) return skip("SKIPPED: there is no Vulkan here, nothing is proven about float16");
  if (gpu.lack !== null) return skip(`SKIPPED: nothing is proven about float16 on ${gpu.device}: ${gpu.lack}`);
  expect(Object.keys(gpu.differences).length).toBeGreaterThan(0);
  for (const [name, difference] of Object.entries(gpu.differences)) {
    expect(difference, name).toBeTypeOf("number");
    expect(difference, name).toBeLessThan(2e-3);
  }
  expect(gpu.leaked).toBe(0);
});

interface Report {
  readonly device: string;
  readonly lack: string | null;
  /** By window and kernel: relative to the largest value, or what is wrong. */
  readonly differences: Readonly<Record<string, number | string>>;
  readonly leaked: number;
}
