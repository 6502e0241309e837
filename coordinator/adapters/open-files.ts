/** How many files and sockets this process may have open. Node raises the soft limit to the hard one when it starts. */
import { readFileSync } from "node:fs";
import { openFilesPerWorker, openFilesReserve, workersMax } from "../../shared/limits.js";

/** Null where the system does not tell. */
export function openFilesLimit(limits: string = readLimits()): number | null {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  return soft === undefined || soft === "unlimited" ? null : Number(soft);
}

/** Workers that this process can be connected to. */
export function workersLimit(openFiles: number | null): number {
  if (openFiles === null) return workersMax;
  return Math.max(1, Math.min(workersMax, Math.floor((openFiles - openFilesReserve) / openFilesPerWorker)));
}

function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
