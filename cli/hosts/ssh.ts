/** Runs a command on another machine through the ssh program, whose configuration, keys and agent are the user's own. */
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { AppError } from "../../shared/errors.js";
import type { HostSpec } from "./hosts-file.js";

export interface SshOptions {
  /** Instead of ~/.ssh/config; null: that. */
  readonly configPath: string | null;
  readonly signal: AbortSignal;
}

export interface RemoteCommand {
  /** For the shell at the other end: nothing secret, it can be seen by all there. */
  readonly command: string;
  /** Standard input: a text, or a file. */
  readonly input?: string | { readonly path: string };
  /** Keep standard input open until the command ends: it takes its end for ours. */
  readonly isHeld?: boolean;
  readonly onLine?: (line: string) => void;
  /** What is said besides: progress, complaints. */
  readonly onNote?: (line: string) => void;
}

export interface RemoteEnd {
  readonly code: number;
  /** The last lines of standard error. */
  readonly notes: readonly string[];
}

const notesMax = 20;
/** After the end of our input the other side drains its workers; what takes longer is cut off. */
const graceMs = 150_000;

/** Never asks anything, and never talks to a machine whose key is not known. Pure. */
export function sshArguments({ login, sshPort }: HostSpec, configPath: string | null, command: string): string[] {
  const options = [
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "ServerAliveCountMax=4",
    "ForwardAgent=no",
    "ClearAllForwardings=yes",
  ];
  const port = sshPort === null ? [] : ["-p", String(sshPort)];
  const config = configPath === null ? [] : ["-F", configPath];
  return [...config, ...options.flatMap((option) => ["-o", option]), ...port, "-T", "--", login, command];
}

/** @throws AppError HOST_UNREACHABLE, INTERRUPTED */
export async function runOnHost(host: HostSpec, remote: RemoteCommand, options: SshOptions): Promise<RemoteEnd> {
  const { signal } = options;
  if (signal.aborted) throw new AppError("INTERRUPTED", "interrupted");
  // Of its own process group: a Ctrl-C is for us, and the other side has to hear of it in order.
  const child = spawn("ssh", sshArguments(host, options.configPath, remote.command), { detached: true });
  const notes: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => remote.onLine?.(line));
  createInterface({ input: child.stderr }).on("line", (line) => {
    notes.push(line);
    if (notes.length > notesMax) notes.shift();
    remote.onNote?.(line);
  });
  // It may end without having read everything.
  child.stdin.on("error", () => undefined);
  feed(child.stdin, remote);
  const giveUp = () => {
    child.stdin.destroy();
    setTimeout(() => child.kill("SIGKILL"), graceMs).unref();
  };
  signal.addEventListener("abort", giveUp, { once: true });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", (cause) => reject(new AppError("HOST_UNREACHABLE", "cannot start ssh", { cause })));
    child.once("close", (status) => resolve(status ?? 255));
  }).finally(() => signal.removeEventListener("abort", giveUp));
  child.stdin.destroy();
  if (signal.aborted) throw new AppError("INTERRUPTED", "interrupted");
  // ssh's own code, which no script of ours uses.
  if (code === 255) throw sshProblem(host, notes);
  return { code, notes };
}

function feed(stdin: NodeJS.WritableStream, { input, isHeld = false }: RemoteCommand): void {
  if (typeof input === "object") {
    createReadStream(input.path).pipe(stdin);
    return;
  }
  if (input !== undefined) stdin.write(input);
  if (!isHeld) stdin.end();
}

const advice: readonly (readonly [RegExp, (login: string) => string])[] = [
  [/host key verification failed|no .* host key is known/i, (to) => `Compare its key once, by hand: ssh ${to} true`],
  [/host identification has changed/i, (to) => `Was ${to} installed anew? Then ssh-keygen -R its name; else beware.`],
  [/permission denied/i, (to) => `Let a key of yours in: ssh-copy-id ${to}; a passphrase needs ssh-agent.`],
  [/could not resolve/i, () => "Correct the name in the list, or give it a Host in ~/.ssh/config."],
  [/refused/i, () => "No sshd listens there: another port (user@host:2222), or start it."],
  [/timed? ?out|no route|unreachable/i, () => "It is off, or a firewall is between: ping it."],
];

/** Pure. */
export function sshProblem({ login, name }: HostSpec, notes: readonly string[]): AppError {
  const said = notes.join("\n");
  const hint = advice.find(([pattern]) => pattern.test(said))?.[1](login);
  const last = notes.filter((line) => line.trim() !== "").at(-1) ?? "the connection ended without a word";
  return new AppError("HOST_UNREACHABLE", `${name}: ${last}`, hint === undefined ? {} : { hint });
}
