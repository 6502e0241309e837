/** A nats-server of our own for --local: a free loopback port, its own store folder, gone when we are. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AppError } from "../../shared/errors.js";
import { findNatsServer } from "../../shared/tool-paths.js";

const guard = fileURLToPath(new URL("../../shared/guard.js", import.meta.url));
const startTimeoutMs = 15_000;

export interface OwnNats {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

export async function startNats(dir: string, logPath: string): Promise<OwnNats> {
  const program = findNatsServer(process.env);
  if (!program) throw new AppError("BROKER_MISSING", "nats-server is neither on the PATH nor in the cache");
  await mkdir(dir, { recursive: true });
  const args = ["-a", "127.0.0.1", "-p", "-1", "-js", "-sd", join(dir, "store"), "--ports_file_dir", dir];
  const child = spawn(process.execPath, [guard, program, ...args], { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const log = createWriteStream(logPath, { flags: "a" });
  child.stdout.pipe(log);
  child.stderr.pipe(log);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const stop = async () => {
    child.stdin.end();
    await exited;
  };
  try {
    return { url: await readUrl(dir, child, logPath), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** nats-server writes the ports it got into nats-server_<pid>.ports. */
async function readUrl(dir: string, child: ChildProcess, logPath: string): Promise<string> {
  for (let waitedMs = 0; waitedMs < startTimeoutMs; waitedMs += 50) {
    if (child.exitCode !== null) break;
    const names = (await readdir(dir)).filter((name) => name.endsWith(".ports"));
    for (const name of names) {
      const url = parsePorts(await readFile(join(dir, name), "utf8"));
      if (url) return url;
    }
    await sleep(50);
  }
  throw new AppError("BROKER_UNREACHABLE", `nats-server did not start; its log is ${logPath}`);
}

function parsePorts(text: string): string | null {
  try {
    return (JSON.parse(text) as { nats?: string[] }).nats?.[0] ?? null;
  } catch {
    return null; // Half-written: read again.
  }
}
