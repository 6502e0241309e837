/** The training step of bench/step.ts on our engine: answers over IPC, a line of numbers per request to compute. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AdamW } from "../../coordinator/aggregate/adamw.js";
import { MemoryFloats } from "../../coordinator/aggregate/floats.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import type { LabelledExample } from "../../worker/compute/contract.js";
import { loadEngine } from "../../worker/engine/load.js";
import { createCompute } from "../../worker/segmentation/compute.js";
import type { StepAnswer, StepWork } from "../step.js";

const stage = { model: "segmenter", round: 1 } as const;

async function prepare({ batch, crop, channels, threads, backbone, backboneDir }: StepWork) {
  const { tf, version } = await loadEngine({ engine: "tensorflow", threads });
  const method = methodConfigSchema.parse({
    imageSize: crop,
    mining: { rounds: 0 },
    segmenter: {
      ...{ microBatches: 1, microBatchSize: batch, cropSize: crop, channels },
      backboneRate: backbone === "trained" ? 0.1 : 0,
    },
  });
  const read = (file: string) => new Uint8Array(readFileSync(join(backboneDir, file)));
  const files = { modelJson: read("model.json"), weights: read("weights.bin"), sidecar: null };
  const compute = await createCompute(tf, { method, seed: 0, classes: ["a", "b"], backbone: files });
  const { specs, values } = compute.init(stage);
  const zeros = () => new MemoryFloats(new Float32Array(values.length));
  const optimizer = new AdamW(specs, { weightDecay: 1e-3 }, { steps: 0, first: zeros(), second: zeros() });
  const examples = Array.from({ length: batch }, (_, image) => noise(image, crop));
  const job = { stage, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples }] };
  const step = async () => {
    compute.load(stage, values);
    const sum = (await compute.gradients(job))[0]!.values as Float32Array;
    const weight = sum.at(-1)!;
    const gradient = sum.subarray(0, values.length).map((value) => value / weight);
    await optimizer.step(values, async (at, end) => gradient.subarray(at, end), 1e-4);
  };
  return { step, version };
}

function noise(image: number, size: number): LabelledExample {
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 7919 + image * 104_729) % 251);
  const labels = Uint8Array.from({ length: size * size }, (_, i) => (i * 31 + image) % 3);
  return { image, pixels, labels, tags: [1, 2] };
}

const work: StepWork = JSON.parse(process.argv[2]!);
const { step, version } = await prepare(work);
for (let i = 0; i < 2; i++) await step();
process.on("message", async ({ seconds }: { seconds: number }) => {
  const startedMs = performance.now();
  let steps = 0;
  while (performance.now() - startedMs < seconds * 1000 || steps < 1) {
    await step();
    steps++;
  }
  const spent = (performance.now() - startedMs) / 1000;
  const rssBytes = process.resourceUsage().maxRSS * 1024;
  process.send!({ imagesPerSecond: (steps * work.batch) / spent, rssBytes, version } satisfies StepAnswer);
});
process.send!("ready");
