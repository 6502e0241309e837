/** What is to run on a machine: the variables of each of its workers, and nothing that a worker would refuse. Pure. */
import { listKeys, resolveConfig } from "../../shared/config/resolve.js";
import { workerConfigSchema, workerEnvPrefix } from "../../worker/config.js";
import type { HostSpec } from "./hosts-file.js";

/** What the cluster decides, not a line of the file. */
const decided = ["nats", "certs", "insecure", "listen", "advertise", "id", "cache"];

const keys = listKeys(workerConfigSchema, workerEnvPrefix);

/** Settings of a worker that a line, or --set, may name. */
export const settingKeys: readonly string[] = keys.map(({ key }) => key).filter((key) => !decided.includes(key));

export interface ClusterPlan {
  /** As the workers reach it. */
  readonly nats: string;
  readonly isInsecure: boolean;
  /** "key=value" for the workers of all machines; a line's own win. */
  readonly sets: readonly string[];
}

export interface SlotPlan {
  readonly slot: number;
  readonly variables: Readonly<Record<string, string>>;
}

/** On the machine, `certs` and `cache` lie where deploy/host.sh puts them: it adds those two. */
export function planSlots(host: HostSpec, plan: ClusterPlan): SlotPlan[] {
  return Array.from({ length: host.slots }, (_, slot) => ({ slot, variables: variablesOf(host, plan, slot) }));
}

/** @throws AppError CONFIG_INVALID for what a worker would not start with. */
function variablesOf(host: HostSpec, { nats, isInsecure, sets }: ClusterPlan, slot: number): Record<string, string> {
  const port = host.port + slot;
  const isV6 = host.address.includes(":");
  const settings = {
    ...Object.fromEntries(sets.map(splitSet)),
    ...host.settings,
    nats,
    id: `${host.name.replaceAll(".", "-")}-${slot}`,
    ...(!isCaller(host, sets) && {
      listen: isV6 ? `[::]:${port}` : `0.0.0.0:${port}`,
      advertise: isV6 ? `[${host.address}]:${port}` : `${host.address}:${port}`,
    }),
    ...(isInsecure && { insecure: "true" }),
  };
  const listed = Object.entries(settings).map(([key, value]) => `${key}=${value}`);
  resolveConfig(workerConfigSchema, workerEnvPrefix, { env: {}, sets: listed });
  const variables = Object.entries(settings).map(([key, value]) => [keys.find((one) => one.key === key)!.env, value]);
  const gpu = host.gpus[slot % host.gpus.length];
  return { ...Object.fromEntries(variables), ...(gpu !== undefined && { CUDA_VISIBLE_DEVICES: gpu }) };
}

/** Its workers call the coordinator: nobody need reach the machine. */
export function isCaller({ settings }: HostSpec, sets: readonly string[]): boolean {
  return (settings.push ?? Object.fromEntries(sets.map(splitSet)).push) === "true";
}

/** For setup: a machine whose workers do without TensorFlow need not install it. */
export function setupEngine(host: HostSpec, { sets }: ClusterPlan): "wasm" | "tensorflow" | "auto" {
  const engine = host.settings.engine ?? Object.fromEntries(sets.map(splitSet)).engine ?? "auto";
  return engine === "tensorflow" || engine === "auto" ? engine : "wasm";
}

function splitSet(set: string): [string, string] {
  const at = set.indexOf("=");
  return [set.slice(0, at), set.slice(at + 1)];
}
