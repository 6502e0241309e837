/**
 * How much a folder of decoded photos may hold, and which of them go to make room. Least recently used first; but what was used
 * within the last hour stays unless the bound itself is passed: photos are walked in shuffled epochs, and of a data set that does
 * not fit, plain least-recently-used would keep those that come last in the next epoch, and write the disk full over and over.
 * Pure. Several processes may decide about one folder at once: each counts the files anew before it writes its next share.
 */
import { pixelsFreeBytesMin, pixelsFreeShareMin, pixelsInUseMs } from "../../shared/limits.js";

export interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  /** Of its last use. */
  readonly usedMs: number;
}

/** The disk as it is: what others may still use of it, and all of it. */
export interface DiskRoom {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Bytes that the folder may hold: as the user says, or fewer where the disk has little left for those who need it. */
export function allowedBytes(bytesMax: number, heldBytes: number, { freeBytes, totalBytes }: DiskRoom): number {
  const reserved = Math.min(pixelsFreeBytesMin, pixelsFreeShareMin * totalBytes);
  return Math.max(0, Math.min(bytesMax, heldBytes + freeBytes - reserved));
}

/** Bytes that one process may write until it counts again: little where the bound is near, for others write as well. */
export function shareBytes(allowed: number, heldBytes: number): number {
  const left = Math.max(0, allowed - heldBytes);
  return Math.min(left, Math.max(left / 32, allowed / 128));
}

/** What goes, so that the rest is within `allowed`; and, of what nobody has used lately, as much as leaves an eighth free. */
export function filesToEvict(files: readonly KeptFile[], allowed: number, nowMs: number): KeptFile[] {
  let heldBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const evicted: KeptFile[] = [];
  for (const file of [...files].sort((a, b) => a.usedMs - b.usedMs)) {
    const isIdle = nowMs - file.usedMs > pixelsInUseMs;
    if (heldBytes <= (isIdle ? allowed * (7 / 8) : allowed)) break;
    evicted.push(file);
    heldBytes -= file.bytes;
  }
  return evicted;
}
