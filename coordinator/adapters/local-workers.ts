/** Workers of --local: child processes that end when we do, whatever ends us. A worker that dies is started again. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { CappedLog } from "./capped-log.js";

const launcher = fileURLToPath(new URL("../../../bin/seedgrow", import.meta.url));

/** A worker that dies at once, again and again, has a cause that no restart mends. */
const restartsMax = 3;

export interface LocalWorkersOptions {
  readonly count: number;
  readonly natsUrl: string;
  /** Folder of certificates for the bus and the coordinator; "": none. */
  readonly certs: string;
  readonly isInsecure: boolean;
  readonly threads: number;
  /** Where their traces go. */
  readonly otlp?: string | undefined;
  /** Folder with the photos: local workers read them where they are. */
  readonly dataDir: string;
  readonly logPath: (index: number) => string;
  /** A worker ended before it was asked to. */
  readonly onExit: (index: number, code: number | null, willRestart: boolean) => void;
  /** The last of them ended and none will be started again. */
  readonly onAllGone: () => void;
}

export interface LocalWorkers {
  readonly stop: () => Promise<void>;
}

export function startLocalWorkers(options: LocalWorkersOptions): LocalWorkers {
  const children = new Map<number, ChildProcess>();
  let isStopping = false;
  const start = (index: number, restarts: number): void => {
    const child = spawnWorker(options, index);
    children.set(index, child);
    child.once("exit", (code) => {
      children.delete(index);
      if (isStopping) return;
      const willRestart = restarts < restartsMax;
      options.onExit(index, code, willRestart);
      if (willRestart) start(index, restarts + 1);
      else if (children.size === 0) options.onAllGone();
    });
  };
  for (let index = 1; index <= options.count; index++) start(index, 0);
  const stop = async () => {
    isStopping = true;
    await Promise.all([...children.values()].map(stopChild));
  };
  return { stop };
}

function spawnWorker(options: LocalWorkersOptions, index: number): ChildProcess {
  const args = ["worker", "--nats", options.natsUrl, "--threads", String(options.threads)];
  args.push("--data", options.dataDir, "--exit-with-parent");
  if (options.certs !== "") args.push("--certs", options.certs);
  if (options.isInsecure) args.push("--insecure");
  if (options.otlp !== undefined) args.push("--otlp", options.otlp);
  // A group of its own: Ctrl-C reaches the coordinator alone, which then ends its workers in order.
  const stdio: ["pipe", "pipe", "pipe"] = ["pipe", "pipe", "pipe"];
  const child = spawn(process.execPath, [launcher, ...args], { stdio, detached: true });
  const log = new CappedLog(options.logPath(index)).stream();
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  child.once("close", () => log.end());
  return child;
}

/** A polite end first; a worker in the middle of a long op cannot hear it. */
async function stopChild(child: ChildProcess): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.stdin?.end();
  const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await exited;
  clearTimeout(timer);
}
