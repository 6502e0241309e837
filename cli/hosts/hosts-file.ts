/**
 * The list of machines that `deploy/cluster.sh` starts workers on: a line each, "user@gpu1 slots=2 gpus=0,1". Everything
 * that is wrong with it is said at once, by line. Pure.
 */
import { distance } from "fastest-levenshtein";
import { AppError } from "../../shared/errors.js";

export interface HostSpec {
  /** In the file, from 1. */
  readonly line: number;
  /** What ssh is told: "user@gpu1", or a Host of ~/.ssh/config. */
  readonly login: string;
  /** Of ssh; null: as its configuration says. */
  readonly sshPort: number | null;
  /** What it is called in messages, and whose certificate it gets. */
  readonly name: string;
  /** Under which coordinator and other machines reach it. */
  readonly address: string;
  /** Workers. */
  readonly slots: number;
  /** For CUDA_VISIBLE_DEVICES, in turns; none: every worker sees what the machine has. */
  readonly gpus: readonly string[];
  /** The worker of slot i listens at port + i. */
  readonly port: number;
  /** Folder with `node`, for machines where a shell without a login does not find it. */
  readonly nodeDir: string | null;
  /** Settings of its workers, as for --set. */
  readonly settings: Readonly<Record<string, string>>;
}

const slotsMax = 64;
const portDefault = 7001;
const ownKeys = ["slots", "gpus", "port", "name", "address", "node"] as const;
type OwnKey = (typeof ownKeys)[number];

/** Names are file names, parts of worker ids and of certificates. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9.-]{0,40}$/;
/** Not beginning with a dash: ssh would take it for a flag. */
const loginPattern =
  /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(\d{1,5}))?$/;

/** @param settingKeys what else a line may say: settings of a worker. @throws AppError HOSTS_INVALID with every problem. */
export function parseHosts(text: string, settingKeys: readonly string[]): HostSpec[] {
  const problems: string[] = [];
  const hosts = text.split("\n").flatMap((raw, index) => {
    const words = raw.replace(/(^|\s)#.*/, "").trim();
    if (words === "") return [];
    const read = parseLine(words.split(/\s+/), index + 1, settingKeys);
    problems.push(...read.problems.map((problem) => `line ${index + 1}: ${problem}`));
    return [read.host];
  });
  for (const [i, { name, login, sshPort, line }] of hosts.entries()) {
    const earlier = hosts
      .slice(0, i)
      .find((one) => one.name === name || (one.login === login && one.sshPort === sshPort));
    if (earlier)
      problems.push(`line ${line}: ${name} is the machine of line ${earlier.line}: give it more slots there`);
  }
  if (hosts.length === 0) problems.push("no machine is named");
  if (problems.length > 0) throw new AppError("HOSTS_INVALID", problems.join("\n  "));
  return hosts;
}

function parseLine(words: readonly string[], line: number, settingKeys: readonly string[]) {
  const [target = "", ...pairs] = words;
  const problems: string[] = [];
  const { own, settings } = readPairs(pairs, settingKeys, problems);
  const match = loginPattern.exec(target);
  if (!match) problems.push(`"${target}": expected [user@]host[:port]`);
  const host = (match?.[1] ?? "").replace(/^\[|\]$/g, "");
  const gpus = gpusOf(own.gpus, problems);
  const spec: HostSpec = {
    line,
    login: target.replace(/(?<=[^:]):\d{1,5}$/, "").replace(/\[|\]/g, ""),
    sshPort: match?.[2] === undefined ? null : numberOf("ssh's port", match[2], 1, 65_535, problems),
    name: own.name ?? host,
    address: own.address ?? host,
    slots: numberOf("slots", own.slots ?? String(Math.max(1, gpus.length)), 1, slotsMax, problems),
    gpus,
    port: numberOf("port", own.port ?? String(portDefault), 1, 65_535 - slotsMax, problems),
    nodeDir: own.node ?? null,
    settings,
  };
  if (match && !namePattern.test(spec.name)) problems.push(`"${spec.name}" cannot be a name: give one with name=gpu1`);
  if (own.node && !/^[\w./+@-]+$/.test(own.node)) problems.push(`node=${own.node}: expected a folder's path`);
  return { host: spec, problems };
}

function readPairs(pairs: readonly string[], settingKeys: readonly string[], problems: string[]) {
  const own: Partial<Record<OwnKey, string>> = {};
  const settings: Record<string, string> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
    if (at < 1 || value === "") problems.push(`"${pair}": expected key=value`);
    else if (isOwn(key)) own[key] = value;
    else if (settingKeys.includes(key)) settings[key] = value;
    else problems.push(unknownKey(key, [...ownKeys, ...settingKeys]));
  }
  return { own, settings };
}

/** Numbers, or the names that nvidia-smi -L shows. */
function gpusOf(text: string | undefined, problems: string[]): string[] {
  const gpus = text === undefined ? [] : text.split(",");
  const odd = gpus.find((gpu) => !/^[A-Za-z0-9-]+$/.test(gpu));
  if (odd !== undefined) problems.push(`gpus=${text}: expected numbers or UUIDs, separated by commas`);
  const twice = gpus.find((gpu, i) => gpus.indexOf(gpu) !== i);
  if (twice !== undefined)
    problems.push(`gpus=${text}: ${twice} is named twice; more slots than GPUs share them in turns`);
  return gpus;
}

function numberOf(what: string, text: string, low: number, high: number, problems: string[]): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  problems.push(`${what}=${text}: expected a whole number from ${low} to ${high}`);
  return low;
}

function isOwn(key: string): key is OwnKey {
  return (ownKeys as readonly string[]).includes(key);
}

function unknownKey(key: string, known: readonly string[]): string {
  const [best] = [...known].sort((a, b) => distance(key, a) - distance(key, b));
  const isClose = best !== undefined && distance(key, best) <= 3;
  return `unknown key "${key}"${isClose ? `: did you mean "${best}"?` : `: a line takes ${ownKeys.join(", ")}, and settings of a worker`}`;
}
