/** Products in float16 by the webgpu engine: on a GPU with matrix units what they compute, everywhere that their programs are valid. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { softwareGpu } from "../support/software-gpu.js";

const run = promisify(execFile);
const timeoutMs = 120_000;

async function report<T>(work: "compiled" | "computed"): Promise<T> {
  const script = fileURLToPath(new URL("webgpu-halves.mjs", import.meta.url));
  const env = { ...process.env, ...softwareGpu(existsSync) };
  const { stdout } = await run(process.execPath, [script, work], { env });
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as T;
}

test("Dawn's compiler takes every program, convolutions and both gradients in each size of tile", {
  timeout: timeoutMs,
}, async () => {
  const { tiles, errors } = await report<{ tiles: string[]; errors: string[] }>("compiled");
  expect(errors).toEqual([]);
  expect(tiles).toEqual(["128x128", "128x32", "128x64", "64x32", "64x64"]);
});

test("results are float32's but for rounding, the same bits twice", { timeout: timeoutMs }, async ({ skip }) => {
  const gpu = await report<Report>("computed").catch((error: { stderr?: string }) => {
    if (!error.stderr?.includes("ENGINE_MISSING")) throw error;
    return null;
  });
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
