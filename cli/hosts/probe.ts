/** What deploy/probe.sh says of a machine, and whether a worker would run there. Pure. */
import { type Finding, fail, ok, warn } from "../doctor/finding.js";
import { clockSkewMaxMs } from "../doctor/machine.js";
import { judgeNode } from "../doctor/tools.js";
import type { HostSpec } from "./hosts-file.js";

export interface Probe {
  readonly timeMs: number;
  readonly arch: string;
  readonly cores: number;
  /** Null: there is none. */
  readonly node: string | null;
  readonly diskBytes: number;
  readonly memoryBytes: number;
  /** "0, NVIDIA A100": as nvidia-smi lists them. */
  readonly gpus: readonly string[];
  /** It has this very program already. */
  readonly hasBundle: boolean;
  /** Nothing of ours runs there. */
  readonly isFresh: boolean;
  readonly natsReached: readonly string[];
  readonly natsUnreached: readonly string[];
}

const kib = 1024;
const gib = 1024 ** 3;
/** TensorFlow with what builds it takes 1.5 GB, with CUDA 5; packages 0.8. */
const diskMin = 3 * gib;
/** A worker: engine and photos. */
const memoryPerSlot = 1.5 * gib;

/** Null: that is not what the script says. */
export function readProbe(lines: readonly string[]): Probe | null {
  const pairs = lines.map((line) => [line.split(" ", 1)[0]!, line.slice(line.indexOf(" ") + 1)] as const);
  const all = (key: string) => pairs.filter(([name]) => name === key).map(([, value]) => value);
  const one = (key: string) => all(key)[0] ?? "";
  if (one("end") !== "ok") return null;
  return {
    timeMs: Number(one("time")),
    arch: one("arch"),
    cores: Number(one("cores")),
    node: one("node") === "none" ? null : one("node").replace(/^v/, ""),
    diskBytes: Number(one("disk")) * kib,
    memoryBytes: Number(one("memory")) * kib,
    gpus: all("gpu"),
    hasBundle: one("bundle") === "yes",
    isFresh: one("fresh") === "yes",
    natsReached: all("reached"),
    natsUnreached: all("unreached"),
  };
}

/** @param skewMs its clock before ours, as exactly as the call's duration allows. */
export function judgeHost(host: HostSpec, probe: Probe, skewMs: number): Finding[] {
  const findings: Finding[] = [
    { name: "node", ...judgeRemoteNode(probe.node) },
    { name: "disk", ...judgeDisk(probe) },
    { name: "memory", ...judgeMemory(host, probe) },
    { name: "clock", ...judgeSkew(skewMs) },
    { name: "gpu", ...judgeGpus(host, probe.gpus) },
  ];
  const isAsked = probe.natsReached.length + probe.natsUnreached.length > 0;
  return isAsked ? [...findings, { name: "nats", ...judgeNats(probe) }] : findings;
}

function judgeRemoteNode(version: string | null) {
  if (version !== null) return judgeNode(version);
  return fail(
    "not found",
    "Install Node 20.12 or newer; where only a login shell finds it: node=/path/to/its/bin in the machine's line.",
  );
}

function judgeDisk({ diskBytes }: Probe) {
  const value = `${(diskBytes / gib).toFixed(1)} GB free at home`;
  return diskBytes >= diskMin
    ? ok(value)
    : warn(value, `Free some: program, packages and engine take up to ${diskMin / gib} GB.`);
}

function judgeMemory({ slots }: HostSpec, { memoryBytes, cores }: Probe) {
  const value = `${(memoryBytes / gib).toFixed(1)} GB available, ${cores} processor(s), for ${slots} worker(s)`;
  return memoryBytes >= slots * memoryPerSlot ? ok(value) : warn(value, "Fewer slots, or --set memoryMb=256.");
}

function judgeSkew(skewMs: number) {
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  if (Math.abs(skewMs) <= clockSkewMaxMs) return ok(`${seconds} s from ours`);
  const value = `${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} ours`;
  return warn(value, "Set the clocks (timedatectl, chrony): certificates and logs depend on them.");
}

function judgeGpus({ gpus: wanted }: HostSpec, present: readonly string[]) {
  const value = present.length === 0 ? "no NVIDIA driver answers" : present.join("; ");
  const known = present.map((gpu) => gpu.split(",")[0]);
  const missing = wanted.filter((gpu) => /^\d+$/.test(gpu) && !known.includes(gpu));
  if (missing.length > 0)
    return fail(value, `gpus=${wanted.join(",")}: there is no ${missing.join(", ")}. Mend the line, or the driver.`);
  if (wanted.length === 0 && present.length > 0)
    return warn(value, "Its line has no gpus=: all workers would share the first.");
  return ok(present.length === 0 ? "none asked for" : value);
}

function judgeNats({ natsReached, natsUnreached }: Probe) {
  if (natsUnreached.length === 0) return ok(natsReached.join(", "));
  const value = `cannot reach ${natsUnreached.join(", ")}`;
  const advice = "Is nats-server running there, on an address of the network? Does a firewall let it through?";
  return natsReached.length > 0 ? warn(`${value}; reaches ${natsReached.join(", ")}`, advice) : fail(value, advice);
}
