/** One coordinator per run on this machine: a lock file with the holder's pid; a dead holder's lock is taken over. */
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../shared/errors.js";

export const lockFile = "coordinator.pid";

/** Returns a function that unlocks. @throws AppError RUN_BUSY */
export async function lockRun(runDir: string): Promise<() => Promise<void>> {
  const path = join(runDir, lockFile);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const pid = Number(await readFile(path, "utf8").catch(() => "0"));
      // Our own id: of an earlier life, in a container, where ids are few.
      if (pid !== process.pid && isAlive(pid))
        throw new AppError("RUN_BUSY", `process ${pid} is training this run already (${path})`);
      await rm(path, { force: true });
    }
  }
  throw new AppError("RUN_BUSY", `cannot take ${path}`);
}

export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
