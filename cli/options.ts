/** Options that several commands share, and the way from flags to a run's config. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { parse as parseYaml } from "yaml";
import { type RunConfig, runConfigSchema, runEnvPrefix } from "../coordinator/config.js";
import { quickMethods, scratchMethod } from "../shared/config/presets.js";
import { type ConfigLayers, resolveConfig } from "../shared/config/resolve.js";
import { type EngineChoice, engineChoices, engineVariable } from "../shared/engine-name.js";
import { AppError } from "../shared/errors.js";

export function collect(value: string, held: readonly string[]): string[] {
  return [...held, value];
}

export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
  };
}

export function nameList(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** Which engine this process computes with. */
export function engineOption(): Option {
  const help = "compute engine: tensorflow where it is installed, else wasm";
  return new Option("--engine <name>", help).choices(engineChoices).default("auto").env(engineVariable);
}

/** Which engine the workers of --local compute with: they hear the variable, as every other command does. */
export function withEngineFlag(command: Command): Command {
  const help = "compute engine of the workers started here: tensorflow where it is installed, else wasm";
  const option = new Option("--engine <name>", help).choices(engineChoices).env(engineVariable);
  return command.addOption(option).hook("preAction", (called) => {
    const { engine } = called.opts<{ engine?: EngineChoice }>();
    if (engine !== undefined) process.env[engineVariable] = engine;
  });
}

/** Flags of commands that speak to a cluster's NATS server. */
export function withBusFlags(command: Command): Command {
  return command
    .option("--certs <dir>", "folder of this machine's certificate (default: $SEEDGROW_CERTS)")
    .option("--insecure", "allow a NATS server off loopback without certificates");
}

/** Flags of commands that answer HTTP: what --host off loopback needs. */
export function withGateFlags(command: Command): Command {
  return command
    .option("--token-file <file>", "file with the token to ask for (or SEEDGROW_TOKEN); off loopback one is made else")
    .option("--certs <dir>", "folder of this machine's certificate: https off loopback (default: $SEEDGROW_CERTS)")
    .option("--insecure", "allow --host off loopback without certificates: the token travels in the clear");
}

/** Flags for the settings that a resumed run may change: they do not decide the result. */
export interface ClusterFlags {
  readonly allowMixed?: true;
  readonly audit?: string;
  readonly checkpointSteps?: string;
  readonly certs?: string;
  readonly insecure?: true;
  readonly listen?: string;
  readonly advertise?: string;
  readonly workersMin?: string;
  readonly workersMax?: string;
  readonly topology?: string;
}

export function withClusterFlags(command: Command): Command {
  return command
    .option("--certs <dir>", "folder of this machine's certificate, for a cluster (default: $SEEDGROW_CERTS)")
    .option("--insecure", "allow addresses off loopback without certificates")
    .option("--listen <host:port>", "where workers of other machines fetch photos and weights (default: 127.0.0.1:0)")
    .option("--advertise <host:port>", "how they reach that address; port 0 is the one that --listen got")
    .option("--workers-min <n>", "wait while there are fewer workers (default: 1)")
    .option("--workers-max <n>", "take no more workers")
    .option("--topology <name>", "who sums gradients: star (the coordinator) or sharded (the workers)")
    .option("--allow-mixed", "take workers with other engines: the result is then no longer reproducible bit by bit")
    .option("--audit <p>", "share of the gradient work (0..1) that two workers compute and the coordinator compares")
    .option("--checkpoint-steps <n>", "steps between two checkpoints: what a killed coordinator loses at most");
}

/** Flags for how workers' copies of the model are kept together: these settings decide the result. */
export interface SyncFlags {
  readonly sync?: string;
  readonly localSteps?: string;
  readonly replicas?: string;
}

export function withSyncFlags(command: Command): Command {
  return command
    .option("--sync <name>", "step: gradients are summed in every step; local: replicas take steps, then are averaged")
    .option("--local-steps <n>", "with --sync local: steps of a replica between two averages (default: 16)")
    .option("--replicas <n>", "with --sync local: how many replicas (default: one for each micro-batch of a step)");
}

/** As for --set. */
export function syncSets({ sync, localSteps, replicas }: SyncFlags): string[] {
  const named = { sync, localSteps, localReplicas: replicas };
  return Object.entries(named).flatMap(([key, value]) => (value === undefined ? [] : [`cluster.${key}=${value}`]));
}

/** A flag that changes nothing is a mistake. @throws AppError CONFIG_INVALID */
export function rejectIdleSyncFlags({ localSteps, replicas }: SyncFlags, { cluster }: RunConfig): void {
  if (cluster.sync === "local" || (localSteps === undefined && replicas === undefined)) return;
  const flag = localSteps === undefined ? `--replicas ${replicas}` : `--local-steps ${localSteps}`;
  throw new AppError("CONFIG_INVALID", `${flag} means nothing with cluster.sync = "step": add --sync local`);
}

/** As for --set. */
export function clusterSets(flags: ClusterFlags): string[] {
  const { allowMixed, audit, checkpointSteps, insecure, listen, advertise, workersMin, workersMax, topology } = flags;
  const certs = flags.certs && resolve(flags.certs);
  const named = {
    ...{ allowMixed, audit, checkpointSteps, certs, insecure, listen, advertise },
    ...{ workersMin, workersMax, topology },
  };
  return Object.entries(named).flatMap(([key, value]) => (value === undefined ? [] : [`cluster.${key}=${value}`]));
}

/** Flags for the settings that decide the result and that people compare: a resumed run keeps them. */
export interface MethodFlags {
  readonly math?: string;
  readonly wire?: string;
  readonly rounds?: string;
  readonly network?: string;
  readonly updater?: string;
}

export function withMethodFlags(command: Command): Command {
  return command
    .option("--rounds <n>", "rounds of training and relabelling (default: 3; without a backbone 4)")
    .option("--network <name>", "dfn, fcn32, fcn16, fcn8 or capsule (default: dfn)")
    .option(
      "--wire <name>",
      "how gradient sums travel: f32, bf16 (half the bytes) or int8 (a quarter); changes the bits",
    )
    .option(
      "--math <name>",
      "what training steps multiply in: f32, bf16 where processors have it, f16 where GPUs do; changes the bits",
    )
    .option("--updater <name>", "how a round makes the next labels: feedback, boxsup or mcof (default: feedback)");
}

/** As for --set. */
export function methodSets({ rounds, network, updater, math, wire }: MethodFlags): string[] {
  const method = { rounds, math, "segmenter.network": network, "refine.updater": updater };
  const named = Object.entries(method).map(([key, value]) => [`method.${key}`, value]);
  return [...named, ["cluster.wire", wire]].flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`]));
}

export interface ConfigFlags {
  readonly config?: string;
  readonly set: readonly string[];
  readonly seed?: number;
}

/** Layers, weakest first: defaults, `base` (a preset), file, environment, --set, --seed. */
export async function runConfigFrom(flags: ConfigFlags, base: Record<string, unknown>): Promise<RunConfig> {
  const sets = flags.seed === undefined ? flags.set : [...flags.set, `seed=${flags.seed}`];
  const layers: ConfigLayers = { base, env: process.env, sets };
  if (flags.config === undefined) return resolveConfig(runConfigSchema, runEnvPrefix, layers);
  const file = { name: flags.config, content: withoutTrain(await readConfigFile(flags.config)) };
  return resolveConfig(runConfigSchema, runEnvPrefix, { ...layers, file });
}

/** Without a backbone everything has to be learnt, which wants other defaults. */
export function presetFor(backbone: string, isQuick = false): Record<string, unknown> {
  if (isQuick) return { method: backbone === "scratch" ? quickMethods.scratch : quickMethods.pretrained };
  return backbone === "scratch" ? { method: scratchMethod } : {};
}

/** cli/train-inputs.ts reads that part. */
function withoutTrain(content: unknown): unknown {
  if (content === null || typeof content !== "object" || Array.isArray(content)) return content;
  return Object.fromEntries(Object.entries(content).filter(([key]) => key !== "train"));
}

/** @throws AppError CONFIG_INVALID */
export async function readConfigFile(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError("CONFIG_INVALID", `cannot read the config file ${path}`, { cause });
  });
  try {
    return parseYaml(text);
  } catch (cause) {
    throw new AppError("CONFIG_INVALID", `${path} is neither YAML nor JSON`, { cause });
  }
}

/** Where runs live when --out does not say. */
export const defaultRunsDir = "runs";

/** Fires on the first Ctrl-C or SIGTERM; a second Ctrl-C ends the process at once. */
export function interruptSignal(onFirst: () => void): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    onFirst();
    controller.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}
