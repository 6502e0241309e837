/**
 * Where the time of a training step goes on the webgpu engine: by program of the GPU, by the GPU's own clock.
 *
 *   npx tsc && node dist/bench/webgpu-profile.js [--network mobilenet_v2|resnet18|resnet50] [--backbone trained|frozen]
 *     [--batch 1] [--size 96] [--channels 64] [--times 5] [--groups] [--stock | --f16] [--json]
 *
 * The whole gradient as training sends it, and each program: medians over repeated recordings of one gradient, which waits for the
 * clock between any two of them. --groups tells dispatches of different sizes apart, --stock takes tfjs's own
 * kernels, --f16 is method.math. What stays outside of the GPU is ours: drawing the crops, sending the dispatches, the optimiser.
 */
import { parseArgs } from "node:util";
import type { GpuBackend } from "../worker/webgpu/gpu.js";
import { type Dispatch, replayCompiler } from "../worker/webgpu/replay.js";
import { median } from "./lib/row.js";
import type { BackboneName } from "./ours/backbones.js";
import { type NetworkWork, openNetwork } from "./ours/network.js";
import { trainingStep } from "./ours/step.js";
import { gpuTimes, wholeMs } from "./webgpu/timing.js";

const { values: flags } = parseArgs({
  options: {
    network: { type: "string", default: "mobilenet_v2" },
    backbone: { type: "string", default: "trained" },
    batch: { type: "string", default: "1" },
    size: { type: "string", default: "96" },
    channels: { type: "string", default: "64" },
    times: { type: "string", default: "5" },
    groups: { type: "boolean", default: false },
    stock: { type: "boolean", default: false },
    f16: { type: "boolean", default: false },
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
  f16: flags.f16,
};
if (flags.stock) process.env.SEEDGROW_WEBGPU_KERNELS = "stock";
let dispatches: readonly Dispatch[] = [];
const watch = (recording: readonly Dispatch[]) => {
  dispatches = recording;
};
const open = await openNetwork(work, (tf) => replayCompiler(tf, watch));
const step = await trainingStep(open, work);
// A GPU that has rested takes a while until its clock is up.
for (const startedMs = performance.now(); performance.now() - startedMs < 1_000; ) await step();
const backend = open.tf.backend() as unknown as GpuBackend;
const rows = new Map<string, { count: number; ms: number }>();
const gradientMs = await wholeMs(backend, dispatches);
await measure();
print();
process.exit();

async function measure(): Promise<void> {
  const rounds: number[][] = [];
  for (let round = 0; round < Number(flags.times); round++) rounds.push(await gpuTimes(backend, dispatches));
  dispatches.forEach(({ label, groups }, i) => {
    // tfjs's key goes on with shapes and types of the inputs.
    const [program = ""] = label.split(/_\d+,1,1[2-6],/);
    const name = flags.groups ? `${program} ${groups.join("x")}` : program;
    const row = rows.get(name) ?? { count: 0, ms: 0 };
    rows.set(name, { count: row.count + 1, ms: row.ms + median(rounds.map((times) => times[i]!)) });
  });
}

function print(): void {
  const sorted = [...rows].map(([program, row]) => ({ program, ...row })).sort((a, b) => b.ms - a.ms);
  const gpuMs = sorted.reduce((sum, { ms }) => sum + ms, 0);
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ work, device: open.device, gradientMs, gpuMs, rows: sorted })}\n`);
    return;
  }
  const lines = sorted
    .filter(({ ms }) => ms >= gpuMs / 200)
    .map(
      ({ program, count, ms }) => `| ${program} | ${count} | ${ms.toFixed(3)} | ${((100 * ms) / gpuMs).toFixed(1)} |`,
    );
  const head = "| program | dispatches | ms | % |\n| --- | --: | --: | --: |";
  process.stdout.write(
    `${open.device}\n${gradientMs.toFixed(2)} ms of the GPU a gradient, ${dispatches.length} dispatches; ${gpuMs.toFixed(2)} ms with a clock between them\n\n${head}\n${lines.join("\n")}\n`,
  );
}
