/** Peak memory of a process and all that it has started, as the Linux kernel counts it (VmHWM); 0 elsewhere. */
import { readdirSync, readFileSync } from "node:fs";

export function peakBytesOf(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + highWater(one), 0);
}

function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of entries("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function entries(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

/** Null where the process has ended meanwhile. */
function read(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return null;
  }
}

function parentOf(pid: number): number {
  return Number(/PPid:\s+(\d+)/.exec(read(pid) ?? "")?.[1] ?? 0);
}

function highWater(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(read(pid) ?? "")?.[1] ?? 0) * 1024;
}
