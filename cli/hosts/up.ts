/**
 * Brings the workers of a list of machines up: looks, sends the program where it is missing, and lets deploy/host.sh do the
 * rest. An interruption leaves every machine as it was before.
 */
import { AppError } from "../../shared/errors.js";
import { judgeNode } from "../doctor/tools.js";
import type { Bundle } from "./bundle.js";
import type { NodeFiles } from "./certificates.js";
import { type HostResult, onEach, probeHost, readSlot, type SlotState } from "./fleet.js";
import type { HostSpec } from "./hosts-file.js";
import { type ClusterPlan, planSlots, setupEngine } from "./plan.js";
import { runOnHost, type SshOptions } from "./ssh.js";

export interface UpOptions extends SshOptions {
  readonly plan: ClusterPlan;
  readonly bundle: Bundle;
  /** Empty: without. */
  readonly certificates: ReadonlyMap<string, NodeFiles>;
  readonly onProgress: (name: string, text: string) => void;
}

/** On the machine. */
const home = "$HOME/.seedgrow";

export async function bringUp(hosts: readonly HostSpec[], options: UpOptions): Promise<HostResult[]> {
  const touched = new Set<HostSpec>();
  const results = await onEach(hosts, options.signal, (host) => upOne(host, options, touched));
  if (options.signal.aborted) await undo([...touched], options);
  return results;
}

async function upOne(host: HostSpec, options: UpOptions, touched: Set<HostSpec>) {
  const { bundle, onProgress } = options;
  const { probe } = await probeHost(host, bundle.digest, "", options);
  const node = judgeNode(probe.node ?? "0");
  if (node.verdict === "fail") {
    const hint = "Install Node 20.12 or newer there; where only a login shell finds it, say node=/its/bin in its line.";
    throw new AppError("HOST_FAILED", `${host.name}: node is ${probe.node ?? "not found"}`, { hint });
  }
  if (probe.isFresh) touched.add(host);
  if (!probe.hasBundle) {
    onProgress(host.name, `copying ${(bundle.bytes / 1e6).toFixed(1)} MB`);
    await send(host, options);
  }
  return start(host, options);
}

/** Whole or not at all: a folder with the digest's name is complete. */
async function send(host: HostSpec, options: UpOptions): Promise<void> {
  const { digest, path } = options.bundle;
  const script = `umask 077; d="${home}/bundles"; p="$d/.${digest}.$$"; mkdir -p "$p" || exit 4
if tar -xzf - -C "$p" && mv -T "$p" "$d/${digest}"; then exit 0; fi
rm -rf "$p"; test -d "$d/${digest}"`;
  const { code, notes } = await runOnHost(host, { command: `bash -c '${script}'`, input: { path } }, options);
  if (code !== 0) throw new AppError("HOST_FAILED", `${host.name} cannot take the program: ${notes.at(-1) ?? code}`);
}

async function start(host: HostSpec, options: UpOptions): Promise<{ code: number; slots: SlotState[] }> {
  const { bundle, onProgress, certificates } = options;
  const slots: SlotState[] = [];
  const onLine = (line: string) => {
    const slot = readSlot(line);
    if (slot) slots.push(slot);
    onProgress(host.name, slot ? `worker ${slot.slot}: ${slot.state} ${slot.details.join(" ")}`.trim() : line);
  };
  const { code, notes } = await runOnHost(
    host,
    {
      command: `bash -c 'exec bash "${home}/bundles/${bundle.digest}/deploy/host.sh" up'`,
      input: planText(host, options.plan, certificates.get(host.name) ?? null),
      isHeld: true,
      onLine,
      onNote: (line) => onProgress(host.name, line),
    },
    options,
  );
  if (code !== 0 && slots.length === 0) {
    const words = notes.filter((line) => line.trim() !== "");
    throw new AppError(
      "HOST_FAILED",
      `${host.name}: ${words.at(-2) ?? ""} ${words.at(-1) ?? `ended with ${code}`}`.trim(),
    );
  }
  return { code, slots };
}

/** For read_plan of deploy/host.sh. Pure. */
export function planText(host: HostSpec, plan: ClusterPlan, certificates: NodeFiles | null): string {
  const files = Object.entries(certificates ?? {}).map(([name, bytes]) => `file ${name} ${bytes.toString("base64")}`);
  const slots = planSlots(host, plan).flatMap(({ slot, variables }) => [
    `slot ${slot}`,
    ...(certificates ? ["certs"] : []),
    ...Object.entries(variables).map(([name, value]) => `var ${name}=${value}`),
  ]);
  const node = host.nodeDir === null ? [] : [`node ${host.nodeDir}`];
  return `${[...node, `engine ${setupEngine(host, plan)}`, ...files, ...slots, "go"].join("\n")}\n`;
}

/** Machines that had nothing of ours have nothing again, also those that were ready already. */
async function undo(hosts: readonly HostSpec[], options: UpOptions): Promise<void> {
  const untouched = new AbortController().signal;
  await onEach(hosts, untouched, async (host) => {
    options.onProgress(host.name, "taking it back");
    return takeDown(host, false, { ...options, signal: untouched });
  });
}

/** Drains the workers and removes everything, or all but program, packages and engine. */
export async function takeDown(
  host: HostSpec,
  isKept: boolean,
  options: SshOptions,
): Promise<{ code: number; slots: SlotState[] }> {
  const script = `h="${home}"; s="$h/current/deploy/host.sh"
if [ -f "$s" ]; then exec bash "$s" down ${isKept ? "--keep" : ""}; fi
rm -rf "$h"`;
  const { code, notes } = await runOnHost(host, { command: `bash -c '${script}'` }, options);
  if (code !== 0) throw new AppError("HOST_FAILED", `${host.name}: ${notes.at(-1) ?? `ended with ${code}`}`);
  return { code, slots: [] };
}
