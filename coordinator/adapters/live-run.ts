/**
 * Where to reach the coordinator of a running run: live.json in the run's folder, beside the lock with its process id.
 * `status`, `watch` and `stop` need it, because the broker of --local has a port of its own. After a kill -9 the file
 * stays; the dead process id gives it away, or, on another host, that nobody answers.
 */
import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { readJson, writeJson } from "./files.js";
import { identityOf, isRunning } from "./process-identity.js";
import { isLocked } from "./run-lock.js";

const liveSchema = z.object({
  natsUrl: z.string(),
  /** Folder of the coordinator's certificate, which whoever owns the run's folder may use as well; "": none. */
  certs: z.string().default(""),
  isInsecure: z.boolean().default(false),
  pid: z.int(),
  /** process-identity.ts: tells the process from a later one with its id. */
  process: z.string(),
  host: z.string(),
});
export type LiveRun = z.infer<typeof liveSchema>;

export type BusPlace = Pick<LiveRun, "natsUrl" | "certs" | "isInsecure">;

const fileName = "live.json";

/** Returns a function that takes the announcement back. */
export async function announceLive(runDir: string, bus: BusPlace): Promise<() => Promise<void>> {
  const path = join(runDir, fileName);
  await writeJson(path, {
    ...bus,
    pid: process.pid,
    process: identityOf(process.pid),
    host: hostname(),
  } satisfies LiveRun);
  return () => rm(path, { force: true });
}

/** Null: not on the bus (yet, or any more), or left behind by a coordinator that was killed. */
export async function readLive(runDir: string): Promise<LiveRun | null> {
  const live = await readJson(join(runDir, fileName), liveSchema).catch(() => null);
  return live && (live.host !== hostname() || isRunning(live.process)) ? live : null;
}

/** True while a coordinator works on the run, from its first file to its last. */
export async function isHeld(runDir: string): Promise<boolean> {
  return (await isLocked(runDir)) || (await readLive(runDir)) !== null;
}
