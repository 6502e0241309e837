/**
 * Our WGSL kernels against tfjs's, where it has one, in turns on one GPU and by its own clock: what they compute, what they move, how fast.
 *
 *   npx tsc && node dist/bench/webgpu-kernels.js [--large] [--only conv3x3] [--whole] [--rounds 5]
 *     [--measured-roof | --tflops 66.9 --gbps 3350 [--half-tflops 989]] [--json]
 *
 * --whole: a kernel ten times one behind the other, by the processor's clock, in place of the GPU's around a single one.
 * --large: batches for a GPU with memory of its own; without it, sizes for one made of software. GFLOP and MB follow from the shapes,
 * every input and output counted once. --tflops and --gbps, both from the GPU's data sheet, give the share of the roofline
 * (Williams et al. 2009): the least time that arithmetic and memory allow, over the time taken. --half-tflops, of float16 products
 * with float32 sums on matrix units, gives that of `method.math: f16`, whose tensors are float32 in memory. --measured-roof: beside what
 * this GPU does at best, a copy and multiplications that are added to (bench/webgpu/roof.ts), where no data sheet says it.
 */
import { parseArgs } from "node:util";
import type { KernelFunc } from "@tensorflow/tfjs";
import type { MathMode } from "../shared/config/method.js";
import { loadEngine } from "../worker/engine/load.js";
import { stockKernels } from "../worker/webgpu/registry.js";
import { median } from "./lib/row.js";
import { bytesOfCall, type Call, flopsOfCall, RecordedCall } from "./webgpu/calls.js";
import { layerCalls, type NamedCalls } from "./webgpu/layers.js";
import { measuredRoof, type Roof } from "./webgpu/roof.js";

const { values: flags } = parseArgs({
  options: {
    large: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    whole: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    tflops: { type: "string" },
    gbps: { type: "string" },
    "half-tflops": { type: "string" },
    "measured-roof": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
process.env.SEEDGROW_WEBGPU_KERNELS = "own";
const { tf, device, lackOfHalves } = await loadEngine({ engine: "webgpu", threads: 1 });
const hasHalves = (await lackOfHalves?.()) === null;

interface Row {
  readonly layer: string;
  readonly kernel: string;
  readonly gflop: number;
  readonly megabytes: number;
  /** Medians; null: tfjs has no such kernel. */
  readonly stockMs: number | null;
  readonly oursMs: number;
  /** The same with `method.math: f16`; null: not here, or nothing that it changes. */
  readonly halfMs: number | null;
}

const roof = await givenRoof();
const rows: Row[] = [];
for (const layer of layerCalls(flags.large)) await measureLayer(layer);
print();
process.exit();

async function measureLayer({ name, calls }: NamedCalls): Promise<void> {
  for (const call of calls) {
    if (!`${name} ${call.kernel}`.includes(flags.only)) continue;
    const ours = tf.getKernel(call.kernel, "webgpu").kernelFunc;
    const stock = stockKernels.get(call.kernel);
    const sides: Side[] = [{ kernel: ours, math: "f32" }];
    if (stock) sides.push({ kernel: stock, math: "f32" });
    if (hasHalves && /Conv2D/.test(call.kernel)) sides.push({ kernel: ours, math: "f16" });
    const times = await alternated(call, sides);
    const timeOf = (wanted: Side | undefined) => (wanted ? times[sides.indexOf(wanted)]! : null);
    const stockMs = timeOf(sides.find(({ kernel }) => kernel === stock));
    const halfMs = timeOf(sides.find(({ math }) => math === "f16"));
    const [gflop, megabytes] = [flopsOfCall(call) / 1e9, bytesOfCall(call) / 1e6];
    rows.push({ layer: name, kernel: call.kernel, gflop, megabytes, stockMs, oursMs: times[0]!, halfMs });
  }
}

interface Side {
  readonly kernel: KernelFunc;
  readonly math: MathMode;
}

async function alternated(call: Call, contenders: readonly Side[]): Promise<number[]> {
  const sides: { readonly recorded: RecordedCall; readonly spent: number[] }[] = [];
  for (const { kernel, math } of contenders)
    sides.push({ recorded: await RecordedCall.of(tf, call, kernel, math), spent: [] });
  for (const { recorded } of sides) await recorded.warm();
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const { recorded, spent } of round % 2 === 0 ? sides : sides.toReversed())
      spent.push(await recorded.ms(flags.whole));
  }
  for (const { recorded } of sides) recorded.dispose();
  return sides.map(({ spent }) => median(spent));
}

/** Null: nobody has said what the GPU can do. */
async function givenRoof(): Promise<Roof | null> {
  if (flags["measured-roof"]) return measuredRoof(tf, flags.large);
  const { tflops, gbps } = flags;
  return tflops === undefined || gbps === undefined ? null : { tflops: Number(tflops), gbps: Number(gbps) };
}

function rooflineShare({ gflop, megabytes }: Row, ms: number, tflops: number | undefined): string {
  if (!roof || tflops === undefined) return "";
  return `${((100 * Math.max(gflop / tflops, megabytes / roof.gbps)) / ms).toFixed(0)} %`;
}

function print(): void {
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ device, roof, rows })}\n`);
    return;
  }
  const halfTflops = flags["half-tflops"] === undefined ? undefined : Number(flags["half-tflops"]);
  const lines = rows.map((row) => {
    const { layer, kernel, gflop, megabytes, stockMs, oursMs, halfMs } = row;
    const rate = (ms: number) => (gflop / ms).toPrecision(3);
    const cells = [gflop.toFixed(3), megabytes.toFixed(2), ((1e3 * gflop) / megabytes).toFixed(0)];
    const beside =
      stockMs === null ? ["", rate(oursMs), ""] : [rate(stockMs), rate(oursMs), (stockMs / oursMs).toFixed(1)];
    const halves =
      halfMs === null
        ? ["", "", ""]
        : [rate(halfMs), (oursMs / halfMs).toFixed(1), rooflineShare(row, halfMs, halfTflops)];
    const times = [...beside, rooflineShare(row, oursMs, roof?.tflops), ...halves];
    return `| ${layer} | ${kernel} | ${[...cells, ...times].join(" | ")} |`;
  });
  const head =
    "| layer | kernel | GFLOP | MB | FLOP/B | stock, TFLOP/s | ours, TFLOP/s | times faster | of the roofline | f16, TFLOP/s | times faster than f32 | of its roofline |";
  const rule = "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |";
  const limits = roof ? `; at best ${roof.tflops.toPrecision(3)} TFLOP/s and ${roof.gbps.toPrecision(3)} GB/s` : "";
  process.stdout.write(`${device}${limits}\n\n${[head, rule, ...lines].join("\n")}\n`);
}
