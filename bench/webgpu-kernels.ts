/**
 * Our WGSL kernels against tfjs's, in turns on one GPU: what they compute, what they move, how fast.
 *
 *   npx tsc && node dist/bench/webgpu-kernels.js [--large] [--only conv3x3] [--rounds 3] [--json]
 *
 * --large: batches for a GPU with memory of its own; without it, sizes for one made of software. GFLOP and MB follow from the shapes,
 * every input and output counted once; FLOP/B above what the GPU's data sheet has (its arithmetic over its memory's speed) means
 * that arithmetic is the limit. Rates are medians by the clock; on a GPU made of software, which shares its processor with
 * others, by processor time.
 */
import { parseArgs } from "node:util";
import type { KernelFunc } from "@tensorflow/tfjs";
import { loadEngine } from "../worker/engine/load.js";
import { stockKernels } from "../worker/webgpu/registry.js";
import { median } from "./lib/row.js";
import { bytesOfCall, type Call, flopsOfCall, Replay } from "./webgpu/calls.js";
import { type Layer, layerCalls } from "./webgpu/layers.js";

const { values: flags } = parseArgs({
  options: {
    large: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const { tf, device } = await loadEngine({ engine: "webgpu", threads: 1 });
const isSoftware = /swiftshader|llvmpipe/i.test(device);

interface Row {
  readonly layer: string;
  readonly kernel: string;
  readonly gflop: number;
  readonly megabytes: number;
  /** Milliseconds of one call, medians: of the clock, or of the processor. */
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
    const [stockMs, oursMs] = await alternated(new Replay(tf, call), stock, ours);
    const [gflop, megabytes] = [flopsOfCall(call) / 1e9, bytesOfCall(call) / 1e6];
    rows.push({ layer: layer.name, kernel: call.kernel, gflop, megabytes, stockMs, oursMs });
  }
}

async function alternated(replay: Replay, ...kernels: readonly [KernelFunc, KernelFunc]): Promise<[number, number]> {
  const spent: [number[], number[]] = [[], []];
  const times = isSoftware ? 1 : 20;
  for (const kernel of kernels) await replay.spent(kernel, 1);
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const side of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
      const { wallMs, cpuMs } = await replay.spent(kernels[side], times);
      spent[side].push(isSoftware ? cpuMs : wallMs);
    }
  }
  replay.dispose();
  return [median(spent[0]), median(spent[1])];
}

function print(): void {
  const clock = isSoftware ? "processor time" : "time";
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ device, clock, rows })}\n`);
    return;
  }
  const lines = rows.map(({ layer, kernel, gflop, megabytes, stockMs, oursMs }) => {
    const rate = (ms: number) => ((1e3 * gflop) / ms).toFixed(isSoftware ? 2 : 0);
    const cells = [gflop.toFixed(3), megabytes.toFixed(2), ((1e3 * gflop) / megabytes).toFixed(0)];
    return `| ${layer} | ${kernel} | ${[...cells, rate(stockMs), rate(oursMs), (stockMs / oursMs).toFixed(1)].join(" | ")} |`;
  });
  const head = "| layer | kernel | GFLOP | MB | FLOP/B | stock, GFLOP/s | ours, GFLOP/s | times faster |";
  const rule = "| --- | --- | --: | --: | --: | --: | --: | --: |";
  process.stdout.write(`${device}; rates by ${clock}\n\n${[head, rule, ...lines].join("\n")}\n`);
}
