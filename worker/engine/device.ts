/** What the machine computes with, as far as it decides the bits of a result or helps a reader of the log. */
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";

/** Best first: the sets between which oneDNN chooses its kernels. */
const VECTOR_SETS = ["amx_bf16", "avx512_bf16", "avx512_vnni", "avx512f", "avx_vnni", "avx2", "avx", "sve", "asimd"];

export interface CpuFacts {
  readonly model: string;
  /** Widest vector instructions that are used, in capitals; "baseline" where the system does not tell. */
  readonly vectorSet: string;
}

export function cpuFacts(cpuInfo: string = readText("/proc/cpuinfo")): CpuFacts {
  const [, flagLine = ""] = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuInfo) ?? [];
  const flags = new Set(flagLine.trim().split(/\s+/));
  const best = VECTOR_SETS.find((name) => flags.has(name));
  return { model: cpus()[0]?.model.trim() ?? "unknown model", vectorSet: best?.toUpperCase() ?? "baseline" };
}

/** Names of the NVIDIA GPUs that the driver lists; empty without one. */
export function gpuNames(driverDir = "/proc/driver/nvidia/gpus"): string[] {
  return listFolder(driverDir).map((slot) => {
    const [, model = "unknown model"] = /^Model:\s*(.*)$/m.exec(readText(join(driverDir, slot, "information"))) ?? [];
    return model;
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
