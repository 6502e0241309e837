/**
 * Where the time of a training step goes on the webgpu engine, by tfjs kernel: the step's calls are noted down, then each of
 * them is repeated alone.
 *
 *   npx tsc && node dist/bench/webgpu-profile.js [--network mobilenet_v2|resnet18] [--backbone trained|frozen] [--batch 1]
 *     [--size 96] [--channels 64] [--times 3] [--stock] [--shapes] [--json]
 *
 * --stock: with tfjs's own kernels. --shapes tells calls with different shapes apart. Sorted by processor time, which is what a
 * GPU made of software costs; on a real one read the column of the clock.
 */
import { parseArgs } from "node:util";
import type { BackboneName } from "./ours/backbones.js";
import { type NetworkWork, openNetwork } from "./ours/network.js";
import { trainingStep } from "./ours/step.js";
import { type Call, callsOf, flopsOfCall, Replay } from "./webgpu/calls.js";

const { values: flags } = parseArgs({
  options: {
    network: { type: "string", default: "mobilenet_v2" },
    backbone: { type: "string", default: "trained" },
    batch: { type: "string", default: "1" },
    size: { type: "string", default: "96" },
    channels: { type: "string", default: "64" },
    times: { type: "string", default: "3" },
    stock: { type: "boolean", default: false },
    shapes: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const work: NetworkWork = {
  batch: Number(flags.batch),
  size: Number(flags.size),
  channels: Number(flags.channels),
  threads: 1,
  network: flags.network as BackboneName,
  backbone: flags.backbone as NetworkWork["backbone"],
  engine: "webgpu",
};
if (flags.stock) process.env.SEEDGROW_WEBGPU_KERNELS = "stock";
const open = await openNetwork(work, false);
const calls = await callsOf(open.tf, trainingStep(open, work));
const rows = new Map<string, { calls: number; wallMs: number; cpuMs: number; flops: number }>();
for (const call of calls) await add(call);
print();
process.exit();

async function add(call: Call): Promise<void> {
  const kernel = open.tf.getKernel(call.kernel, "webgpu").kernelFunc;
  const replay = new Replay(open.tf, call);
  await replay.spent(kernel, 1);
  const { wallMs, cpuMs } = await replay.spent(kernel, Number(flags.times));
  replay.dispose();
  const shapes = Object.values(call.inputs).map(({ shape }) => shape.join("x"));
  const label = flags.shapes ? `${call.kernel} ${shapes.join(", ")}` : call.kernel;
  const row = rows.get(label) ?? { calls: 0, wallMs: 0, cpuMs: 0, flops: 0 };
  row.calls += call.count;
  row.wallMs += call.count * wallMs;
  row.cpuMs += call.count * cpuMs;
  row.flops += call.count * flopsOfCall(call);
  rows.set(label, row);
}

function print(): void {
  const sorted = [...rows].map(([kernel, row]) => ({ kernel, ...row })).sort((a, b) => b.cpuMs - a.cpuMs);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ work, device: open.device, rows: sorted })}\n`);
    return;
  }
  const whole = sorted.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  const lines = sorted
    .filter(({ cpuMs }) => cpuMs >= whole / 200)
    .map(({ kernel, calls: count, wallMs, cpuMs, flops }) => {
      const share = ((100 * cpuMs) / whole).toFixed(1);
      const rate = flops === 0 ? "" : (flops / cpuMs / 1e6).toFixed(2);
      return `| ${kernel} | ${count} | ${wallMs.toFixed(0)} | ${cpuMs.toFixed(0)} | ${share} | ${rate} |`;
    });
  const head =
    "| kernel | calls | ms | CPU ms | % of CPU | GFLOP per CPU second |\n| --- | --: | --: | --: | --: | --: |";
  process.stdout.write(
    `${open.device}\n${whole.toFixed(0)} ms of processor time a step\n\n${head}\n${lines.join("\n")}\n`,
  );
}
