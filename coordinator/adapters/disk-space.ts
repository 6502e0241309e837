/** Free space where the run's folder lies; what an ordinary user may use of it. */
import { statfs } from "node:fs/promises";
import type { DiskSpace } from "../core/disk.js";

export async function spaceOf(dir: string): Promise<DiskSpace> {
  const { bavail, blocks, bsize } = await statfs(dir);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
