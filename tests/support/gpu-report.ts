/** What a script of tests/engine says of the GPU here, SwiftShader where there is no other. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { softwareGpu } from "./software-gpu.js";

const run = promisify(execFile);

/** glibc keeps freed memory: a GPU made of software asks for all of it again with every operation, and most of its time goes into pages. */
const keptMemory = { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: String(2 ** 33) };

/** The JSON of the last line that the program prints. Null: there is no Vulkan. */
export async function gpuReport<T>(
  script: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = softwareGpu(existsSync),
): Promise<T | null> {
  const path = fileURLToPath(new URL(`../engine/${script}`, import.meta.url));
  try {
    const { stdout } = await run(process.execPath, [path, ...args], { env: { ...process.env, ...keptMemory, ...env } });
    return JSON.parse(stdout.trim().split("\n").at(-1)!) as T;
  } catch (error) {
    if (!(error as { stderr?: string }).stderr?.includes("ENGINE_MISSING")) throw error;
    return null;
  }
}
