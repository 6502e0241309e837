/** docs/CONFIG.md, from the schemas. Pure. */
import { runConfigSchema, runEnvPrefix } from "../../coordinator/config.js";
import { demoMethod, scratchMethod } from "../../shared/config/presets.js";
import { type ConfigKey, listKeys } from "../../shared/config/resolve.js";
import { workerConfigSchema, workerEnvPrefix } from "../../worker/config.js";
import { generatedNote, table } from "./markdown.js";

export function configDoc(): string {
  const runKeys = listKeys(runConfigSchema, runEnvPrefix);
  const sections = groupOf(runKeys).map(([name, keys]) => `### ${name}\n\n${keyTable(keys)}`);
  return `# Settings

${generatedNote}

## A run

Strongest first: \`--set key=value\`, the variable, the file of \`--config\` (YAML or JSON, nested as the keys are), the
preset, the default. Values are JSON where they are JSON (\`--set method.cam.scales=[1,2]\`), else text. An unknown key or a
value out of range ends the command before anything is computed, and names every problem at once.

The settings are kept in the run's \`run.json\`; \`seedgrow resume\` uses those. All but \`cluster\` decide the result, and of
\`cluster\` \`threads\`, \`wire\`, and \`sync\` with its replicas.

${sections.join("\n\n")}

## Presets

Without a backbone (\`--backbone scratch\`, the default of \`seedgrow train\`) and in \`seedgrow demo\`, these defaults differ:

${presetTable(runKeys)}

## A worker

Flags of \`seedgrow worker\`, or variables. A flag is the key with dashes: \`--memory-mb\`.

${keyTable(listKeys(workerConfigSchema, workerEnvPrefix))}

## Other variables

${table(["variable", "what it does"], otherVariables)}
`;
}

const otherVariables: string[][] = [
  [
    "`SEEDGROW_ENGINE`",
    "`auto`, `tensorflow`, `wasm` or `webgpu` (docs/ENGINES.md), for every command, and for the workers of `--local`; `--engine` and `SEEDGROW_WORKER_ENGINE` are stronger.",
  ],
  ["`SEEDGROW_GPU`", "webgpu: which GPU, by index or a part of its name."],
  [
    "`SEEDGROW_WEBGPU_KERNELS`",
    "webgpu: `own` (the default) or `stock`, tfjs's kernels, to compare with. Part of the result (docs/ENGINES.md).",
  ],
  ["`SEEDGROW_DEVICE`", "`auto`, `cpu` or `gpu`: where TensorFlow must compute; anything else it finds is an error."],
  [
    "`SEEDGROW_NATS_SERVER`",
    "The nats-server that `--local` starts. Default: on the PATH, else the one that setup has fetched.",
  ],
  ["`SEEDGROW_DEBUG`", "`1` adds the stack to an error."],
  ["`XDG_CACHE_HOME`", "Where engine, nats-server and pulled photos are kept. Default: `~/.cache`."],
  ["`NO_COLOR`", "No colours."],
];

/** By the part before the last dot: "method.segmenter". */
function groupOf(keys: readonly ConfigKey[]): [string, ConfigKey[]][] {
  const groups = new Map<string, ConfigKey[]>();
  for (const key of keys) {
    const name = key.key.includes(".") ? key.key.slice(0, key.key.lastIndexOf(".")) : "general";
    groups.set(name, [...(groups.get(name) ?? []), key]);
  }
  return [...groups];
}

function keyTable(keys: readonly ConfigKey[]): string {
  const rows = keys.map(({ key, type, default: value, help, env }) => {
    return [`\`${key}\``, type, valueText(value), help, `\`${env}\``];
  });
  return table(["key", "type", "default", "what it does", "variable"], rows);
}

function presetTable(keys: readonly ConfigKey[]): string {
  const [scratch, demo] = [scratchMethod, demoMethod].map((method) => flatten({ method })) as [Flat, Flat];
  const rows = keys
    .filter(({ key }) => scratch.has(key) || demo.has(key))
    .map(({ key, default: value }) => [`\`${key}\``, value, scratch.get(key) ?? value, demo.get(key) ?? value])
    .map(([key, ...values]) => [key as string, ...values.map(valueText)]);
  return table(["key", "default", "scratch", "demo"], rows);
}

type Flat = Map<string, unknown>;

function flatten(value: object, prefix = ""): Flat {
  const flat: Flat = new Map();
  for (const [name, child] of Object.entries(value)) {
    const key = `${prefix}${name}`;
    if (child !== null && typeof child === "object" && !Array.isArray(child)) {
      for (const [deep, leaf] of flatten(child, `${key}.`)) flat.set(deep, leaf);
    } else flat.set(key, child);
  }
  return flat;
}

function valueText(value: unknown): string {
  return value === "" ? "" : `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}
