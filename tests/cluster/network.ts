/**
 * Several hosts on one machine: a network namespace each, with an address of its own, on a bridge in one more. Links can be
 * slowed (tbf), cut and mended. Needs root and a kernel that allows it.
 */
import { execFileSync, spawnSync } from "node:child_process";

const prefix = `sg${process.pid}-`;
const switchSpace = `${prefix}switch`;

/** Null: this machine can do it. */
export function whyNoNetwork(): string | null {
  if (process.getuid?.() !== 0) return "SKIPPED: network namespaces need root";
  const probe = `${prefix}probe`;
  const steps = [
    ["netns", "add", probe],
    ["-n", probe, "link", "add", "dev", "eth0", "type", "veth", "peer", "name", "eth1"],
  ];
  steps.push(["-n", probe, "link", "add", "dev", "bridge0", "type", "bridge"]);
  const failed = steps.map((args) => spawnSync("ip", args, { encoding: "utf8" })).find(({ status }) => status !== 0);
  spawnSync("ip", ["netns", "del", probe]);
  if (!failed) return null;
  return `SKIPPED: no network namespaces here: ${failed.error?.message ?? failed.stderr.trim()} (iproute2, and a kernel that allows them)`;
}

export class Network {
  private readonly hosts = new Map<string, string>();

  constructor() {
    process.once("exit", this.destroy);
    ip("netns", "add", switchSpace);
    inSpace(switchSpace, "link", "add", "dev", "bridge0", "type", "bridge");
    inSpace(switchSpace, "link", "set", "dev", "bridge0", "up");
  }

  /** A machine; returns its address. */
  add(name: string): string {
    const address = `10.77.0.${this.hosts.size + 1}`;
    const space = spaceOf(name);
    this.hosts.set(name, address);
    ip("netns", "add", space);
    inSpace(space, "link", "set", "dev", "lo", "up");
    inSpace(space, "link", "add", "dev", "eth0", "type", "veth", "peer", "name", name, "netns", switchSpace);
    inSpace(space, "address", "add", `${address}/24`, "dev", "eth0");
    inSpace(space, "link", "set", "dev", "eth0", "up");
    inSpace(switchSpace, "link", "set", "dev", name, "master", "bridge0");
    inSpace(switchSpace, "link", "set", "dev", name, "up");
    return address;
  }

  address(name: string): string {
    return this.hosts.get(name)!;
  }

  /** What stands before a program's name to start it on that machine. */
  inside(name: string): string[] {
    return ["ip", "netns", "exec", spaceOf(name)];
  }

  /** In both directions. @param rate as tc writes it: "2mbit" */
  throttle(name: string, rate: string): void {
    const limit = ["root", "tbf", "rate", rate, "burst", "16kb", "latency", "200ms"];
    tc(spaceOf(name), "qdisc", "add", "dev", "eth0", ...limit);
    tc(switchSpace, "qdisc", "add", "dev", name, ...limit);
  }

  cut(name: string): void {
    inSpace(switchSpace, "link", "set", "dev", name, "down");
  }

  mend(name: string): void {
    inSpace(switchSpace, "link", "set", "dev", name, "up");
  }

  /** At full speed again. */
  unthrottle(name: string): void {
    tc(spaceOf(name), "qdisc", "del", "dev", "eth0", "root");
    tc(switchSpace, "qdisc", "del", "dev", name, "root");
  }

  /** Processes must have ended: a namespace lives as long as one of them. */
  readonly destroy = (): void => {
    process.off("exit", this.destroy);
    for (const name of this.hosts.keys()) spawnSync("ip", ["netns", "del", spaceOf(name)]);
    spawnSync("ip", ["netns", "del", switchSpace]);
  };
}

function spaceOf(name: string): string {
  return `${prefix}${name}`;
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function inSpace(space: string, ...args: readonly string[]): void {
  ip("-n", space, ...args);
}

function tc(space: string, ...args: readonly string[]): void {
  execFileSync("tc", ["-n", space, ...args], { stdio: ["ignore", "ignore", "pipe"] });
}
