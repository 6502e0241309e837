/** A lost GPU does not end the worker's process: the engine is started again in it, and computes the same. On SwiftShader (webgpu.test.ts). */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { softwareGpu } from "../support/software-gpu.js";

const run = promisify(execFile);
const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

test("a device that is lost in the middle of a computation is replaced in the same process, which arrives at the same bits", async ({
  skip,
}) => {
  const env = { ...process.env, ...softwareGpu(existsSync) };
  const args = ["--require", pathOf("../support/lose-engine.cjs"), pathOf("lost-device.mjs")];
  const ran = await run(process.execPath, args, { env }).catch((error: Error & { stderr?: string }) => {
    if (!error.stderr?.includes("the webgpu engine finds no GPU")) throw error;
    return null;
  });
  if (!ran) return skip("SKIPPED: there is no Vulkan here, nothing is proven about lost devices");
  const { before, lost, losses, after, log } = JSON.parse(ran.stdout.trim().split("\n").at(-1)!);
  const reason = "the GPU's device is lost (destroyed): device was destroyed";
  expect(lost).toEqual({ code: "ENGINE_FAILED", message: reason });
  expect(losses).toEqual({ count: 1, reason });
  expect(log).toEqual([`engine webgpu lost: ${reason}; starting it again in 1 s`, "engine webgpu computes again"]);
  expect(before).toMatch(/^[0-9a-f]{64}$/);
  expect(after).toBe(before);
}, 300_000);
