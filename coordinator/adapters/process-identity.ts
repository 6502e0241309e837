/**
 * Which process a process id meant. Ids are given anew: after a crash and a while, or at once in a container, where they
 * are few, another program has the id that a file remembers. Id, start time and boot together are used once.
 */
import { readFileSync } from "node:fs";

/** "4711 88211.1b4e28ba-...": the id, ticks from boot to its start, and the boot. The id alone where there is no /proc. */
export function identityOf(pid: number): string {
  const started = startOf(pid);
  return started === null ? String(pid) : `${pid} ${started}`;
}

/** The process id in what `identityOf` wrote; 0 when it holds none. */
export function pidOf(identity: string): number {
  const pid = Number(identity.split(" ")[0]);
  return Number.isInteger(pid) && pid > 0 ? pid : 0;
}

/** Whether that very process still runs. */
export function isRunning(identity: string): boolean {
  const pid = pidOf(identity);
  if (pid === 0 || !exists(pid)) return false;
  const [, started] = identity.trim().split(" ");
  const now = startOf(pid);
  return started === undefined || now === null || started === now;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function startOf(pid: number): string | null {
  try {
    // "pid (name) state ppid ...": the name may hold anything. proc(5): the start time is field 22, the state field 3.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const ticks = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[22 - 3];
    return `${ticks}.${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}`;
  } catch {
    return null;
  }
}
