/**
 * Training steps of the webgpu engine against PyTorch on the same GPU, in turns:
 *
 *   npx tsc && node dist/bench/gpu.js [--networks mobilenet_v2,resnet50] [--sizes 256,512] [--batch 8] [--rounds 5] [--seconds 2]
 *     [--python PYTHON] [--json]
 *
 * DFN on the network, backbone trained. The peer eager and compiled (torch.compile), with 32-bit products (TF32 off) and TF32
 * ones; ours alone, and two workers that share the GPU. Ours draws its crops, carries parameters, pictures and gradients over the
 * bus and has the optimiser on the processor, as training does; the peer keeps everything on the GPU. `npm run bench` has the
 * rows without a GPU.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { median, type Side, type SideResult, timeRatio } from "./lib/row.js";
import { alternate, missingModules, type Programs, starting, together } from "./lib/runner.js";
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
const programs: Programs = { ours: here("./ours"), peers: here("../../bench/peers"), python: flags.python };
const peers = [
  { name: "eager, f32", tf32: false, compiled: false },
  { name: "eager, TF32", tf32: true, compiled: false },
  { name: "compiled, f32", tf32: false, compiled: true },
  { name: "compiled, TF32", tf32: true, compiled: true },
] as const;
const names = ["ours", "ours, two workers", ...peers.map(({ name }) => `PyTorch ${name}`)];

const missing = missingModules(flags.python, peerSide({} as NetworkWork, false, false));
if (missing.length > 0) {
  process.stderr.write(`${flags.python} lacks ${missing.join(", ")}: see bench/peers/requirements.txt\n`);
  process.exit(1);
}
for (const network of flags.networks.split(",")) {
  for (const size of flags.sizes.split(",")) await measure(network as BackboneName, Number(size));
}

function peerSide(work: NetworkWork, tf32: boolean, compiled: boolean): Side {
  return {
    program: { kind: "python", script: "step_torch", needs: ["torch"] },
    work: { ...work, device: "cuda", tf32, compiled },
  };
}

async function measure(network: BackboneName, size: number): Promise<void> {
  const work: NetworkWork = {
    ...{ batch: Number(flags.batch), size, channels: 64, threads: 1, network, backbone: "trained", engine: "webgpu" },
  };
  const ours = starting({ program: { kind: "ours", script: "step" }, work: { ...work } }, programs);
  const sides = [
    ours,
    together([ours, ours]),
    ...peers.map(({ tf32, compiled }) => starting(peerSide(work, tf32, compiled), programs)),
  ];
  const pace = { rounds: Number(flags.rounds), seconds: Number(flags.seconds) };
  print(network, size, await alternate(sides, pace, pace.seconds, () => process.stderr.write(".")));
}

function print(network: BackboneName, size: number, results: readonly SideResult[]): void {
  const [{ rates }] = results as [SideResult];
  const rows = results.map((side, i) => {
    const ofPeer = timeRatio(side.rates, rates);
    return { side: names[i]!, imagesPerSecond: median(side.rates), oursOverThis: ofPeer, version: side.version };
  });
  if (flags.json) {
    process.stdout.write(`${JSON.stringify({ network, size, rows })}\n`);
    return;
  }
  const lines = rows.map(({ side, imagesPerSecond, oursOverThis: { median: middle, low, high } }) => {
    const share = `${(100 * middle).toFixed(0)} % (${(100 * low).toFixed(0)} to ${(100 * high).toFixed(0)})`;
    return `| ${network}, ${size} px | ${side} | ${imagesPerSecond.toFixed(0)} | ${share} |`;
  });
  const versions = [...new Set(rows.map(({ version }) => version))].join("; ");
  const head = "| network | side | images/s | ours over this |\n| --- | --- | --: | --: |";
  process.stdout.write(`\n${head}\n${lines.join("\n")}\n\n${versions}\n`);
}
