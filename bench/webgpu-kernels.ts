/**
 * Our WGSL kernels against tfjs's, in turns on one GPU and by its own clock: what they compute, what they move, how fast.
 *
 *   npx tsc && node dist/bench/webgpu-kernels.js [--large] [--only conv3x3] [--rounds 5] [--tflops 66.9 --gbps 3350] [--json]
 *
 * --large: batches for a GPU with memory of its own; without it, sizes for one made of software. GFLOP and MB follow from the shapes,
 * every input and output counted once. --tflops and --gbps, both from the GPU's data sheet, give the share of the roofline
 * (Williams et al. 2009): the least time that arithmetic and memory allow, over the time taken.
 */
import { parseArgs } from "node:util";
import type { KernelFunc } from "@tensorflow/tfjs";
import { loadEngine } from "../worker/engine/load.js";
import { stockKernels } from "../worker/webgpu/registry.js";
import { median } from "./lib/row.js";
import { bytesOfCall, type Call, flopsOfCall, RecordedCall } from "./webgpu/calls.js";
import { type Layer, layerCalls } from "./webgpu/layers.js";

const { values: flags } = parseArgs({
  options: {
    large: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "5" },
    tflops: { type: "string" },
    gbps: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const { tf, device } = await loadEngine({ engine: "webgpu", threads: 1 });

interface Row {
  readonly layer: string;
  readonly kernel: string;
  readonly gflop: number;
  readonly megabytes: number;
  /** Medians. */
  readonly stockMs: number;
  readonly oursMs: number;
}

const rows: Row[] = [];
for (const { layer, calls } of layerCalls(flags.large)) await measureLayer(layer, calls);
print();
process.exit();

async function measureLayer(layer: Layer, calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    if (!`${layer.name} ${call.kernel}`.includes(flags.only)) continue;
    const ours = tf.getKernel(call.kernel, "webgpu").kernelFunc;
    const stock = stockKernels.get(call.kernel);
    if (!stock) continue;
    const [stockMs, oursMs] = await alternated(call, stock, ours);
    const [gflop, megabytes] = [flopsOfCall(call) / 1e9, bytesOfCall(call) / 1e6];
    rows.push({ layer: layer.name, kernel: call.kernel, gflop, megabytes, stockMs, oursMs });
  }
}

async function alternated(call: Call, ...kernels: readonly [KernelFunc, KernelFunc]): Promise<[number, number]> {
  const sides = [await RecordedCall.of(tf, call, kernels[0]), await RecordedCall.of(tf, call, kernels[1])] as const;
  const spent: [number[], number[]] = [[], []];
  for (const side of sides) await side.ms();
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
      spent[side].push(await sides[side].ms());
  }
  for (const side of sides) side.dispose();
  return [median(spent[0]), median(spent[1])];
}

/** "": nobody has said what the GPU can do. */
function rooflineShare({ gflop, megabytes, oursMs }: Row): string {
  if (flags.tflops === undefined || flags.gbps === undefined) return "";
  const leastMs = Math.max(gflop / Number(flags.tflops), megabytes / Number(flags.gbps));
  return `${((100 * leastMs) / oursMs).toFixed(0)} %`;
}

function print(): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ device, rows })}\n`);
    return;
  }
  const lines = rows.map((row) => {
    const { layer, kernel, gflop, megabytes, stockMs, oursMs } = row;
    const rate = (ms: number) => (gflop / ms).toPrecision(3);
    const cells = [gflop.toFixed(3), megabytes.toFixed(2), ((1e3 * gflop) / megabytes).toFixed(0)];
    const times = [rate(stockMs), rate(oursMs), (stockMs / oursMs).toFixed(1), rooflineShare(row)];
    return `| ${layer} | ${kernel} | ${[...cells, ...times].join(" | ")} |`;
  });
  const head =
    "| layer | kernel | GFLOP | MB | FLOP/B | stock, TFLOP/s | ours, TFLOP/s | times faster | of the roofline |";
  const rule = "| --- | --- | --: | --: | --: | --: | --: | --: | --: |";
  process.stdout.write(`${device}\n\n${[head, rule, ...lines].join("\n")}\n`);
}
