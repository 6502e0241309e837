/** Ports, disk, memory and clock. */
import { once } from "node:events";
import { access, constants, mkdtemp, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { availableParallelism, freemem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { cacheDir } from "../../shared/tool-paths.js";
import { type Check, fail, ok, warn } from "./finding.js";

const gib = 1024 ** 3;
/** A run of a few thousand photos keeps about 1 GB: checkpoints, label packs, masks, report. */
const diskMin = 2 * gib;
/** The engine takes half a GB, decoded photos 1 GB (--memory-mb). */
const memoryMin = 2 * gib;
/** Beyond this, times in logs of several machines mislead. */
export const clockSkewMaxMs = 2_000;

export function machineChecks(runsDir: string): Check[] {
  return [
    { name: "ports", run: checkPorts },
    { name: "disk: runs", run: () => checkDisk(resolve(runsDir)) },
    { name: "disk: cache", run: () => checkDisk(cacheDir(process.env)) },
    { name: "memory", run: async () => judgeMemory(await availableMemory()) },
    { name: "clock", run: () => checkClock(resolve(runsDir)) },
  ];
}

/** Coordinator and workers listen on ports that the system chooses. */
async function checkPorts() {
  const server = createServer((socket) => socket.end());
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    return ok(`127.0.0.1:${port} accepts connections`);
  } catch (error) {
    const advice = "Allow programs to listen on the loopback interface (firewall, sandbox).";
    return fail(`cannot listen on 127.0.0.1: ${(error as Error).message}`, advice);
  } finally {
    server.close();
  }
}

async function checkDisk(path: string) {
  const dir = await nearestFolder(path);
  const { bavail, bsize } = await statfs(dir);
  const isWritable = await access(dir, constants.W_OK).then(
    () => true,
    () => false,
  );
  return judgeDisk(path, bavail * bsize, isWritable);
}

export function judgeDisk(path: string, freeBytes: number, isWritable: boolean) {
  const value = `${(freeBytes / gib).toFixed(1)} GB free for ${path}`;
  if (!isWritable) return fail(`${path} cannot be written`, "Choose another folder, or change its permissions.");
  if (freeBytes >= diskMin) return ok(value);
  return warn(value, `Free some space: a run of a few thousand photos wants ${diskMin / gib} GB.`);
}

export function judgeMemory(bytes: number) {
  const value = `${(bytes / gib).toFixed(1)} GB available, ${availableParallelism()} processor(s)`;
  if (bytes >= memoryMin) return ok(value);
  return warn(value, "Use fewer local workers, or a lower `seedgrow worker --memory-mb`.");
}

/** A container's limit counts, where it is below what the machine has. */
async function availableMemory(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const [, kib] = /^MemAvailable:\s+(\d+) kB$/m.exec(text) ?? [];
  const available = kib === undefined ? freemem() : Number(kib) * 1024;
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(available, limit) : available;
}

/** Against the clock of the disk's machine, which is another one where runs lie on a network share. */
async function checkClock(runsDir: string) {
  const dir = await mkdtemp(join(await nearestFolder(runsDir), ".seedgrow-doctor-"));
  try {
    await writeFile(join(dir, "now"), "");
    const { mtimeMs } = await stat(join(dir, "now"));
    return judgeClock(new Date(), mtimeMs);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export function judgeClock(now: Date, diskMs: number) {
  const advice = "Set the clock, and let it be kept (chrony, systemd-timesyncd).";
  if (now.getUTCFullYear() < 2025) return warn(`it is ${now.toISOString()}?`, advice);
  const skewMs = Math.abs(now.getTime() - diskMs);
  if (skewMs <= clockSkewMaxMs) return ok(now.toISOString());
  return warn(`${(skewMs / 1000).toFixed(1)} s away from the clock of the disk with the runs`, advice);
}

/** A folder that does not exist yet will lie on its parent's disk. */
async function nearestFolder(path: string): Promise<string> {
  const isThere = await stat(path).then(
    () => true,
    () => false,
  );
  return isThere || dirname(path) === path ? path : nearestFolder(dirname(path));
}
