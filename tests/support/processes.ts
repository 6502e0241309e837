/** Who has started whom, from /proc: the tests end processes by pid and look for ones left behind. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

/** Null when it has gone. */
function infoOf(pid: number): ProcessInfo | null {
  try {
    // "pid (name) state ppid ...": the name may hold anything, even parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", parent = "0"] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parent: Number(parent), state, command };
  } catch {
    return null;
  }
}

/** Children, their children and so on. */
export function descendantsOf(pid: number): ProcessInfo[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => infoOf(Number(name)))
    .filter((info): info is ProcessInfo => info !== null);
  const below = (parent: number): ProcessInfo[] => {
    const children = all.filter((info) => info.parent === parent);
    return children.flatMap((child) => [child, ...below(child.pid)]);
  };
  return below(pid);
}

/** The workers that a coordinator has started, in the order of their pids. */
export function workersOf(coordinatorPid: number): number[] {
  return descendantsOf(coordinatorPid)
    .filter(({ command }) => command.includes("bin/seedgrow worker "))
    .map(({ pid }) => pid)
    .sort((a, b) => a - b);
}

/** A zombie runs no more: it only waits for its parent to look. */
export function isRunning(pid: number): boolean {
  const info = infoOf(pid);
  return info !== null && info.state !== "Z";
}

/** Processes of these that still run after `timeoutMs`, as "pid command". */
export async function leftOver(pids: readonly number[], timeoutMs = 15_000): Promise<string[]> {
  const deadlineMs = performance.now() + timeoutMs;
  while (pids.some(isRunning) && performance.now() < deadlineMs) await sleep(50);
  return pids.filter(isRunning).map((pid) => `${pid} ${infoOf(pid)?.command}`);
}

/** Ends a process at once; one that has gone is fine. */
export function kill(pid: number, signal: NodeJS.Signals = "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** TCP ports that a process listens on. */
export function listeningPorts(pid: number): number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
  const rows = ["tcp", "tcp6"].flatMap((table) => {
    return readFileSync(`/proc/${pid}/net/${table}`, "utf8").trim().split("\n").slice(1);
  });
  // "sl local_address rem_address st ... inode": 0A listens.
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const own = fields.filter((row) => row[3] === "0A" && inodes.has(row[9]!));
  return own.map((row) => Number.parseInt(row[1]!.slice(row[1]!.lastIndexOf(":") + 1), 16));
}

/** Whether anybody takes a connection there. */
export function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
