/** The commented config file that `seedgrow init` writes. Pure. */
import { runConfigSchema, runEnvPrefix } from "../../coordinator/config.js";
import { type ConfigKey, listKeys } from "../../shared/config/resolve.js";

export interface Answers {
  readonly data: string;
  /** "": none. */
  readonly backbone: string;
  /** Workers here, or the address of a cluster's NATS server. */
  readonly where: number | string;
  readonly quick: boolean;
}

/** What people change first; the rest is one link away. */
const shownKeys = [
  "seed",
  "data.shardImages",
  "data.brokenShareMax",
  "method.imageSize",
  "method.rounds",
  "method.classifier.steps",
  "method.classifier.learningRate",
  "method.segmenter.steps",
  "method.segmenter.learningRate",
  "method.segmenter.microBatchSize",
  "method.seeds.rule",
  "rounds.changedShareMin",
  "cluster.workersMin",
  "cluster.checkpointSteps",
];

export function configFile({ data, backbone, where, quick }: Answers): string {
  const isHere = typeof where === "number";
  return `# What seedgrow trains on, and how. Written by \`seedgrow init\`.
#
#   seedgrow train --config THIS_FILE --dry-run    the plan, with memory and time
#   seedgrow train --config THIS_FILE              begins
#
# Flags win over this file: seedgrow train --config THIS_FILE --local 4. Paths are relative to this file.

train:
  # A folder with a folder of photos for every tag (photos/horse, photos/zebra, photos/none), or a .csv of path,tag;tag.
  data: ${quoted(data)}
  # Photos that only measure, laid out the same way.
  # val: photos-val
  # True masks (PNG with class ids), for measuring only; training never opens them.
  # masks: masks
  # Tags in the order of their class ids; without this: by name.
  # classes: [horse, zebra]
  # A network to start from: a tfjs LayersModel, by folder or URL. An ImageNet network makes far better masks than none.
  backbone: ${backbone === "" ? "scratch" : quoted(backbone)}
  # A first look in minutes, at some cost in quality.
  quick: ${quick}
  # Where to train: so many workers on this machine, or the workers of a cluster.
  ${isHere ? `local: ${where}` : "# local: 2"}
  ${isHere ? "# nats: nats://head:4222" : `nats: ${quoted(where)}`}

# Everything below shows the default; take the # away to change it. All settings: docs/CONFIG.md.
${settings()}`;
}

function quoted(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : JSON.stringify(text);
}

/** Nested like the keys, every leaf with its help, type and default. */
function settings(): string {
  const keys = listKeys(runConfigSchema, runEnvPrefix).filter(({ key }) => shownKeys.includes(key));
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const { key, type, default: value, help } of keys) {
    const path = key.split(".");
    const folders = path.slice(0, -1);
    const shared = folders.findIndex((name, depth) => open[depth] !== name);
    const from = shared < 0 ? Math.min(folders.length, open.length) : shared;
    for (let depth = from; depth < folders.length; depth++) lines.push(`# ${"  ".repeat(depth)}${folders[depth]}:`);
    open = folders;
    const indent = `# ${"  ".repeat(folders.length)}`;
    lines.push(`${indent}# ${help} (${type})`, `${indent}${path.at(-1)}: ${JSON.stringify(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The keys in the file: a test says that each exists. */
export function shownConfigKeys(): readonly ConfigKey[] {
  return listKeys(runConfigSchema, runEnvPrefix).filter(({ key }) => shownKeys.includes(key));
}
