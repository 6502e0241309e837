/**
 * Training steps of the webgpu engine against PyTorch on the same GPU, in turns:
 *
 *   npx tsc && node dist/bench/gpu.js [--networks mobilenet_v2,resnet50] [--sizes 256,512] [--batch 8] [--rounds 5] [--seconds 2]
 *     [--python PYTHON] [--json]
 *
 * DFN on the network, backbone trained. The peer eager and compiled (torch.compile), with 32-bit products (TF32 off) and TF32
 * ones; ours alone, in float16 as well (method.math) where the GPU has it, and two workers that share the GPU. Ours draws its crops, carries parameters, pictures and gradients over the
 * bus and has the optimiser on the processor, by up to eight threads, as training does; the peer keeps everything on the GPU. `npm run bench` has the
 * rows without a GPU.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadEngine } from "../worker/engine/load.js";
import { lackOf } from "./lib/python.js";
import { median, type Ratio, type Side, type SideResult, timeRatio } from "./lib/row.js";
import { alternate, type Measured, type Programs, starting, together } from "./lib/runner.js";
import type { BackboneName } from "./ours/backbones.js";
import type { NetworkWork } from "./ours/network.js";

const { values: flags } = parseArgs({
  options: {
    networks: { type: "string", default: "mobilenet_v2,resnet50" },
    sizes: { type: "string", default: "256,512" },
    batch: { type: "string", default: "8" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    python: { type: "string", default: process.env.SEEDGROW_PYTHON || "python3" },
    json: { type: "boolean", default: false },
  },
});
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const programs: Programs = { ours: here("./ours"), peers: here("../../bench/peers"), pythons: [flags.python] };
const alone = ", without the optimiser";

interface Contender {
  readonly name: string;
  readonly start: () => Promise<Measured>;
}

const lack = lackOf(programs.pythons, peerSide({} as NetworkWork, false, false));
if (lack !== null) {
  process.stderr.write(`${lack}\n`);
  process.exit(1);
}
const hasHalves = (await (await loadEngine({ engine: "webgpu", threads: 1 })).lackOfHalves?.()) === null;
for (const network of flags.networks.split(",")) {
  for (const size of flags.sizes.split(",")) await measure(network as BackboneName, Number(size));
}

function peerSide(work: NetworkWork, tf32: boolean, compiled: boolean, bf16 = false): Side {
  return {
    program: { kind: "python", script: "step_torch", needs: ["torch"], requirements: "requirements.txt" },
    work: { ...work, device: "cuda", tf32, compiled, bf16 },
  };
}

function contenders(work: NetworkWork): Contender[] {
  const gradients: NetworkWork = { ...work, gradientOnly: true };
  const ours = (of: NetworkWork) => starting({ program: { kind: "ours", script: "step" }, work: { ...of } }, programs);
  const peer = (...of: Parameters<typeof peerSide>) => starting(peerSide(...of), programs);
  const halves: Contender[] = [
    { name: "ours, f16", start: ours({ ...work, f16: true }) },
    { name: `ours, f16${alone}`, start: ours({ ...gradients, f16: true }) },
  ];
  return [
    { name: "ours", start: ours(work) },
    { name: `ours${alone}`, start: ours(gradients) },
    ...(hasHalves ? halves : []),
    { name: "ours, two workers", start: together([ours(work), ours(work)]) },
    { name: "PyTorch eager, f32", start: peer(work, false, false) },
    { name: `PyTorch eager, f32${alone}`, start: peer(gradients, false, false) },
    { name: "PyTorch eager, TF32", start: peer(work, true, false) },
    { name: "PyTorch eager, bf16 autocast", start: peer(work, true, false, true) },
    { name: "PyTorch compiled, f32", start: peer(work, false, true) },
    { name: "PyTorch compiled, TF32", start: peer(work, true, true) },
  ];
}

async function measure(network: BackboneName, size: number): Promise<void> {
  const work: NetworkWork = {
    ...{ batch: Number(flags.batch), size, channels: 64, threads: 8, network, backbone: "trained", engine: "webgpu" },
  };
  const sides = contenders(work);
  const pace = { rounds: Number(flags.rounds), seconds: Number(flags.seconds) };
  const results = await alternate(
    sides.map(({ start }) => start),
    pace,
    pace.seconds,
    () => process.stderr.write("."),
  );
  print(network, size, sides, results);
}

function print(network: BackboneName, size: number, sides: readonly Contender[], results: readonly SideResult[]): void {
  const rows = sides.map(({ name }, i) => {
    const { rates, version } = results[i]!;
    const shareOf = (side: string): Ratio | null => {
      const own = sides.findIndex((one) => one.name === (name.endsWith(alone) ? side + alone : side));
      return name.startsWith("ours") || own < 0 ? null : timeRatio(rates, results[own]!.rates);
    };
    const shares = { oursOverThis: shareOf("ours"), halvesOverThis: shareOf("ours, f16") };
    return { side: name, imagesPerSecond: median(rates), ...shares, version };
  });
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ network, size, rows })}\n`);
    return;
  }
  const percent = (share: number) => (100 * share).toFixed(0);
  const shown = (ratio: Ratio | null) =>
    ratio === null ? "" : `${percent(ratio.median)} % (${percent(ratio.low)} to ${percent(ratio.high)})`;
  const lines = rows.map(({ side, imagesPerSecond, oursOverThis, halvesOverThis }) => {
    const shares = `${shown(oursOverThis)} | ${shown(halvesOverThis)}`;
    return `| ${network}, ${size} px | ${side} | ${imagesPerSecond.toFixed(0)} | ${shares} |`;
  });
  const versions = [...new Set(rows.map(({ version }) => version))].join("; ");
  const head =
    "| network | side | images/s | ours over this | ours in f16 over this |\n| --- | --- | --: | --: | --: |";
  process.stdout.write(`\n${head}\n${lines.join("\n")}\n\n${versions}\n`);
}
