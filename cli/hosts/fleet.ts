/** The machines of a list, all at once: what is done on each, and what came of it. */
import { setMaxListeners } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { AppError, exitCodes } from "../../shared/errors.js";
import { addressesOf, hostOf } from "../../shared/net/exposure.js";
import { type HostSpec, parseHosts } from "./hosts-file.js";
import { settingKeys } from "./plan.js";
import { type Probe, readProbe } from "./probe.js";
import { runOnHost, type SshOptions } from "./ssh.js";

export interface SlotState {
  readonly slot: number;
  /** "ready", "kept", "failed", "silent"; of `status`: "running", "restarting", "failed", "stopped", "gone". */
  readonly state: string;
  readonly details: readonly string[];
}

export interface HostResult {
  readonly name: string;
  /** As a process's: 0 is fine. */
  readonly code: number;
  readonly slots: readonly SlotState[];
  readonly error: AppError | null;
}

/** ssh connections at a time: handshakes are work for both sides. */
const parallelMax = 32;
const natsPort = 4222;
/** As seen from dist/cli/hosts. */
export const seedgrowRoot = fileURLToPath(new URL("../../..", import.meta.url));

/** @param only names; empty: all. @throws AppError HOSTS_INVALID, USAGE */
export async function readHosts(path: string, only: readonly string[]): Promise<HostSpec[]> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError("HOSTS_INVALID", `cannot read ${path}`, { cause });
  });
  const hosts = parseHosts(text, settingKeys);
  const unknown = only.filter((name) => !hosts.some((host) => host.name === name));
  if (unknown.length > 0) throw new AppError("USAGE", `${path} has no machine named ${unknown.join(", ")}`);
  return only.length === 0 ? hosts : hosts.filter(({ name }) => only.includes(name));
}

/** A machine's failure is its own: the others go on. */
export async function onEach(
  hosts: readonly HostSpec[],
  signal: AbortSignal,
  work: (host: HostSpec) => Promise<Pick<HostResult, "code" | "slots">>,
): Promise<HostResult[]> {
  setMaxListeners(0, signal);
  const limit = pLimit(parallelMax);
  return Promise.all(
    hosts.map((host) =>
      limit(async () => {
        try {
          return { name: host.name, error: null, ...(await work(host)) };
        } catch (thrown) {
          const error = AppError.from(thrown);
          return { name: host.name, code: error.exitCode, slots: [], error };
        }
      }),
    ),
  );
}

/** Of all machines: 0, the one code that all failures share, or that for trouble in a cluster. */
export function codeOf(results: readonly HostResult[]): number {
  const codes = new Set(results.map(({ code }) => code).filter((code) => code !== 0));
  if (codes.has(exitCodes.interrupted)) return exitCodes.interrupted;
  return codes.size === 1 ? [...codes][0]! : codes.size === 0 ? 0 : exitCodes.cluster;
}

export interface Probed {
  readonly probe: Probe;
  /** Its clock before ours, milliseconds. */
  readonly skewMs: number;
}

/** @param nats empty: not asked. @throws AppError HOST_UNREACHABLE, HOST_FAILED */
export async function probeHost(host: HostSpec, digest: string, nats: string, ssh: SshOptions): Promise<Probed> {
  const script = await readFile(new URL("../../../deploy/probe.sh", import.meta.url), "utf8");
  const lines: string[] = [];
  let heardMs = 0;
  const onLine = (line: string) => {
    if (lines.length === 0) heardMs = Date.now();
    lines.push(line);
  };
  const command = `bash -s -- ${digest} ${host.nodeDir ?? "-"} ${natsServers(nats) || "-"}`;
  const { notes } = await runOnHost(host, { command, input: script, onLine }, ssh);
  const probe = readProbe(lines);
  if (!probe)
    throw new AppError("HOST_FAILED", `${host.name} cannot be looked at: ${notes.at(-1) ?? "no bash there?"}`);
  return { probe, skewMs: probe.timeMs - heardMs };
}

/** "head:4222,head2:4222": only what is safe on a command line. */
function natsServers(nats: string): string {
  const servers = nats === "" ? [] : addressesOf(nats);
  return servers
    .map((address) => `${hostOf(address)}:${/:(\d+)\/?$/.exec(address)?.[1] ?? natsPort}`)
    .filter((server) => /^[\w.:-]+$/.test(server))
    .join(",");
}

/** A line of deploy/host.sh: "slot TAB 0 TAB ready ...". Null: another. */
export function readSlot(line: string): SlotState | null {
  const [word, slot, state, ...details] = line.split("\t");
  return word === "slot" && state !== undefined ? { slot: Number(slot), state, details } : null;
}
