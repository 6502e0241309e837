/** Looks at what runs on a machine of the list, and changes nothing. */
import pc from "picocolors";
import { AppError } from "../../shared/errors.js";
import { readSlot, type SlotState } from "./fleet.js";
import type { HostSpec } from "./hosts-file.js";
import { runOnHost, type SshOptions } from "./ssh.js";

const ours = '"$HOME/.seedgrow/current/deploy/host.sh"';

export interface LogOptions {
  readonly lines: number;
  readonly isFollowed: boolean;
  readonly onLine: (line: string) => void;
}

/** No slots: nothing of ours is there. @throws AppError HOST_UNREACHABLE, HOST_FAILED */
export async function statusOf(host: HostSpec, ssh: SshOptions): Promise<{ code: number; slots: SlotState[] }> {
  const slots: SlotState[] = [];
  const onLine = (line: string) => {
    const slot = readSlot(line);
    if (slot) slots.push(slot);
  };
  const command = `bash -c 'if [ -f ${ours} ]; then exec bash ${ours} status; fi'`;
  const { code, notes } = await runOnHost(host, { command, onLine }, ssh);
  if (code !== 0) throw new AppError("HOST_FAILED", `${host.name}: ${notes.at(-1) ?? `ended with ${code}`}`);
  const isFine = slots.every(({ state }) => state === "running");
  return { code: isFine ? 0 : new AppError("HOST_FAILED", "").exitCode, slots };
}

export async function printLogs(
  host: HostSpec,
  { lines, isFollowed, onLine }: LogOptions,
  ssh: SshOptions,
): Promise<{ code: number; slots: SlotState[] }> {
  const command = `bash -c 'if [ -f ${ours} ]; then exec bash ${ours} logs ${lines} ${isFollowed ? "yes" : "no"}; fi'`;
  const print = (line: string) => {
    const [slot, ...rest] = line.split("\t");
    onLine(`${pc.cyan(`${host.name}/${slot}`)}  ${rest.join("\t")}`);
  };
  const { code } = await runOnHost(host, { command, isHeld: true, onLine: print }, ssh);
  return { code, slots: [] };
}
