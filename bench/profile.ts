/**
 * Where the time of a training step goes, by TensorFlow operation: a clock around every call into libtensorflow.
 *
 *   npx tsc && node dist/bench/profile.js [--network mobilenet_v2|resnet18] [--backbone trained|frozen] [--batch 8] [--size 256]
 *     [--threads 2] [--steps 10] [--shapes] [--json]
 *
 * Medians over the steps. --shapes tells calls with different shapes apart. What stays outside of operations is ours: drawing
 * the crops, tfjs itself, the optimiser.
 */
import { parseArgs } from "node:util";
import { engineEnv } from "../worker/engine/environment.js";
import type { Tensor, Tf } from "../worker/segmentation/tf.js";
import { median } from "./lib/row.js";
import type { BackboneName } from "./ours/backbones.js";
import { type NetworkWork, openNetwork } from "./ours/network.js";
import { trainingStep } from "./ours/step.js";

/** The parts of tfjs-node's backend that are timed. */
interface TimedBackend {
  executeSingleOutput: Execute;
  executeMultipleOutputs: Execute;
  readSync: (...args: never[]) => unknown;
}
type Execute = (name: string, attributes: object[], inputs: Tensor[], count?: number) => Tensor | Tensor[];

interface Spent {
  calls: number;
  ms: number;
}

const { values: flags } = parseArgs({
  options: {
    network: { type: "string", default: "mobilenet_v2" },
    backbone: { type: "string", default: "frozen" },
    batch: { type: "string", default: "8" },
    size: { type: "string", default: "256" },
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "10" },
    shapes: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const work: NetworkWork = {
  batch: Number(flags.batch),
  size: Number(flags.size),
  channels: 64,
  threads: Number(flags.threads),
  network: flags.network as BackboneName,
  backbone: flags.backbone as NetworkWork["backbone"],
};
Object.assign(process.env, engineEnv({ engine: "tensorflow", threads: work.threads })); // TensorFlow reads it when it is loaded.
const open = await openNetwork(work, null);
const step = await trainingStep(open, work);
for (let i = 0; i < 2; i++) await step();
let spent = new Map<string, Spent>();
watch(open.tf);
const steps: { readonly ms: number; readonly spent: Map<string, Spent> }[] = [];
for (let i = 0; i < Number(flags.steps); i++) {
  spent = new Map();
  const startedMs = performance.now();
  await step();
  steps.push({ ms: performance.now() - startedMs, spent });
}
print();

function watch(tf: Tf): void {
  const backend = tf.backend() as unknown as TimedBackend;
  const { executeSingleOutput, executeMultipleOutputs, readSync } = backend;
  const timed =
    (execute: Execute): Execute =>
    (name, attributes, inputs, count) => {
      const startedMs = performance.now();
      const result = execute.call(backend, name, attributes, inputs, count);
      add(flags.shapes ? `${name} ${inputs.map(({ shape }) => shape.join("x")).join(", ")}` : name, startedMs);
      return result;
    };
  backend.executeSingleOutput = timed(executeSingleOutput);
  backend.executeMultipleOutputs = timed(executeMultipleOutputs);
  backend.readSync = (...args) => {
    const startedMs = performance.now();
    const result = readSync.apply(backend, args);
    add("(reading a tensor)", startedMs);
    return result;
  };
}

function add(name: string, startedMs: number): void {
  const one = spent.get(name) ?? { calls: 0, ms: 0 };
  one.calls++;
  one.ms += performance.now() - startedMs;
  spent.set(name, one);
}

function print(): void {
  const whole = median(steps.map(({ ms }) => ms));
  const inside = median(steps.map((one) => [...one.spent.values()].reduce((sum, { ms }) => sum + ms, 0)));
  const names = [...new Set(steps.flatMap((one) => [...one.spent.keys()]))];
  const rows = names.map((name) => {
    const ms = median(steps.map((one) => one.spent.get(name)?.ms ?? 0));
    return { name, calls: steps.at(-1)!.spent.get(name)?.calls ?? 0, ms };
  });
  rows.push({ name: "(outside of operations)", calls: 1, ms: whole - inside });
  rows.sort((a, b) => b.ms - a.ms);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ work, version: open.version, stepMs: whole, rows })}\n`);
    return;
  }
  const line = (name: string, ...cells: readonly string[]) => {
    return `| ${name} | ${cells.map((cell) => cell.padStart(6)).join(" | ")} |\n`;
  };
  const shown = rows.filter(({ ms }) => ms >= whole / 1000);
  const lines = shown.map(({ name, calls, ms }) => {
    return line(name, String(calls), ms.toFixed(1), ((100 * ms) / whole).toFixed(1));
  });
  process.stdout.write(`${open.version}; ${JSON.stringify(work)}: ${whole.toFixed(0)} ms per step\n`);
  process.stdout.write(`${line("operation", "calls", "ms", "%")}| --- | --: | --: | --: |\n${lines.join("")}`);
}
