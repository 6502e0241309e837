/**
 * Where the time of a training step goes, by TensorFlow operation: a clock around every call into libtensorflow, or, with
 * --compiled, TensorFlow's own trace of the graph that training runs.
 *
 *   npx tsc && node dist/bench/profile.js [--network mobilenet_v2|resnet18] [--backbone trained|frozen] [--batch 8] [--size 256]
 *     [--bf16] [--threads 2] [--steps 10] [--shapes | --compiled PYTHON] [--json]
 *
 * Medians over the steps. --shapes tells calls with different shapes apart. What stays outside of operations is ours: drawing
 * the crops, tfjs itself, the optimiser. PYTHON: one that has TensorFlow (bench/peers/requirements-tf.txt), since from Node a
 * session cannot be asked for its trace; --bf16 is of the compiled step alone.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { engineEnv } from "../worker/engine/environment.js";
import { sessionCompiler } from "../worker/engine/session-graph.js";
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

interface Operation {
  readonly name: string;
  readonly calls: number;
  readonly ms: number;
}

let spent = new Map<string, Spent>();
const { values: flags } = parseArgs({
  options: {
    network: { type: "string", default: "mobilenet_v2" },
    backbone: { type: "string", default: "frozen" },
    batch: { type: "string", default: "8" },
    size: { type: "string", default: "256" },
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "10" },
    shapes: { type: "boolean", default: false },
    bf16: { type: "boolean", default: false },
    compiled: { type: "string" },
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
  bf16: flags.bf16,
};
Object.assign(process.env, engineEnv({ engine: "tensorflow", threads: work.threads })); // TensorFlow reads it when it is loaded.
if (flags.compiled === undefined) await profileOperations();
else await profileGraph(flags.compiled);

async function profileOperations(): Promise<void> {
  const open = await openNetwork(work, null);
  const step = await trainingStep(open, work);
  for (let i = 0; i < 2; i++) await step();
  watch(open.tf);
  const steps: { readonly ms: number; readonly spent: Map<string, Spent> }[] = [];
  for (let i = 0; i < Number(flags.steps); i++) {
    spent = new Map();
    const startedMs = performance.now();
    await step();
    steps.push({ ms: performance.now() - startedMs, spent });
  }
  const names = [...new Set(steps.flatMap((one) => [...one.spent.keys()]))];
  const rows = names.map((name): Operation => {
    const ms = median(steps.map((one) => one.spent.get(name)?.ms ?? 0));
    return { name, calls: steps.at(-1)!.spent.get(name)?.calls ?? 0, ms };
  });
  const wholeMs = median(steps.map(({ ms }) => ms));
  const inside = median(steps.map((one) => [...one.spent.values()].reduce((sum, { ms }) => sum + ms, 0)));
  print(open.version, wholeMs, [...rows, { name: "(outside of operations)", calls: 1, ms: wholeMs - inside }]);
}

/** The first graph that a step compiles is the step. */
async function profileGraph(python: string): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-profile-"));
  try {
    let output: string | null = null;
    const open = await openNetwork(
      work,
      (tf) =>
        sessionCompiler(tf, (from, name) => {
          if (output === null) cpSync(from, dir, { recursive: true });
          output ??= name;
        })!,
    );
    await (await trainingStep(open, work))();
    const script = fileURLToPath(new URL("../../bench/peers/trace_tf.py", import.meta.url));
    const args = [script, dir, output!, flags.threads, flags.steps];
    const said = execFileSync(python, args, { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
    const rows = JSON.parse(said) as Operation[];
    print(
      open.version,
      rows.reduce((sum, { ms }) => sum + ms, 0),
      rows,
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
}

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

function print(version: string, wholeMs: number, operations: readonly Operation[]): void {
  const rows = operations.toSorted((a, b) => b.ms - a.ms);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ work, version, stepMs: wholeMs, rows })}\n`);
    return;
  }
  const line = (name: string, ...cells: readonly string[]) => {
    return `| ${name} | ${cells.map((cell) => cell.padStart(6)).join(" | ")} |\n`;
  };
  const shown = rows.filter(({ ms }) => ms >= wholeMs / 1000);
  const lines = shown.map(({ name, calls, ms }) => {
    return line(name, String(calls), ms.toFixed(1), ((100 * ms) / wholeMs).toFixed(1));
  });
  process.stdout.write(`${version}; ${JSON.stringify(work)}: ${wholeMs.toFixed(0)} ms per step\n`);
  process.stdout.write(`${line("operation", "calls", "ms", "%")}| --- | --: | --: | --: |\n${lines.join("")}`);
}
