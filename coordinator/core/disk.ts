/** Whether there is room to begin new work. Pauses before the disk is full and goes on well after, so that it never flaps. Pure. */
import { diskFreeBytesMin, diskFreeShareMin, diskResumeFactor } from "../../shared/limits.js";

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Why nothing may be begun; null: there is room. */
export function diskHold({ freeBytes, totalBytes }: DiskSpace, isHeld: boolean): string | null {
  const pauseBelow = Math.min(diskFreeBytesMin, diskFreeShareMin * totalBytes);
  const needed = isHeld ? pauseBelow * diskResumeFactor : pauseBelow;
  if (freeBytes >= needed) return null;
  // Rounded up front, so that the reason does not change with every byte.
  return `waiting for disk space: below ${megabytes(pauseBelow)} MB free in the run's folder, goes on at ${megabytes(pauseBelow * diskResumeFactor)} MB`;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
