/** One coordinator per run on this machine: a lock file that names the holder's process; a dead holder's lock is taken over. */
import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../shared/errors.js";
import { identityOf, isRunning, pidOf } from "./process-identity.js";

const lockFile = "coordinator.pid";

/** Returns a function that unlocks. @throws AppError RUN_BUSY */
export async function lockRun(runDir: string): Promise<() => Promise<void>> {
  const path = join(runDir, lockFile);
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const file = await open(path, "wx");
      await file.writeFile(identityOf(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = await readHolder(runDir);
      // Our own id: of an earlier life, where start times are not told.
      if (pidOf(holder) !== process.pid && isRunning(holder)) {
        throw new AppError("RUN_BUSY", `process ${pidOf(holder)} is training this run already (${path})`);
      }
      await rm(path, { force: true });
    }
  }
  throw new AppError("RUN_BUSY", `cannot take ${path}`);
}

/** Whether the process that locked the run still runs. */
export async function isLocked(runDir: string): Promise<boolean> {
  return isRunning(await readHolder(runDir));
}

function readHolder(runDir: string): Promise<string> {
  return readFile(join(runDir, lockFile), "utf8").catch(() => "");
}
