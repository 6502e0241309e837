/**
 * Computes a standard step with one engine: `engine-bench.js ENGINE`, as a child process that answers over IPC. A process
 * of its own, so that one engine's memory is not counted as another's, and a crash is an answer too.
 */
import { type MethodOverrides, methodConfigSchema } from "../../shared/config/method.js";
import type { EngineChoice } from "../../shared/engine-name.js";
import { AppError } from "../../shared/errors.js";
import { engineEnv } from "../../worker/engine/environment.js";
import { countFlops } from "../../worker/engine/flops.js";
import { loadEngine } from "../../worker/engine/load.js";
import { availableMath } from "../../worker/engine/math.js";
import { createCompute } from "../../worker/segmentation/compute.js";
import type { BenchAnswer } from "./engines.js";
import { batchSize, cropSize } from "./standard-step.js";

/** Long enough for a mean, short enough to wait for; at least one step, which on a GPU made of software takes a minute. */
const benchMs = 2_000;

const classifier = { model: "classifier", round: 0 } as const;
const segmenter = { model: "segmenter", round: 1 } as const;

/** The built-in network and the DFN, as the demo trains them. */
const overrides = {
  imageSize: 128,
  mining: { rounds: 0 },
  segmenter: { microBatches: 1, microBatchSize: batchSize, cropSize, channels: 32, backboneRate: 0.3 },
} satisfies MethodOverrides;

async function bench(engine: EngineChoice): Promise<BenchAnswer> {
  Object.assign(process.env, engineEnv({ engine, threads: 1 }));
  const loaded = await loadEngine({ engine, threads: 1 });
  const { tf, version, device, reason, compile = null } = loaded;
  const method = methodConfigSchema.parse(overrides);
  const compute = await createCompute(tf, { method, seed: 0, classes: ["a", "b"], backbone: null }, compile);
  compute.load(classifier, compute.init(classifier).values);
  compute.load(segmenter, compute.init(segmenter).values);
  const examples = Array.from({ length: batchSize }, (_, image) => picture(image, method.imageSize));
  const job = { stage: segmenter, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples }] };
  const step = async () => (await compute.gradients(job))[0]!.values;
  let first = new Float32Array();
  const flops = await countFlops(tf, async () => {
    first = (await step()) as typeof first;
  });
  const [startedMs, used] = [performance.now(), process.cpuUsage()];
  let steps = 0;
  let isSame = true;
  while (steps === 0 || performance.now() - startedMs < benchMs) {
    const again = await step();
    isSame = again.every((value, i) => value === first[i]) && isSame;
    steps++;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  const { user, system } = process.cpuUsage(used);
  return {
    ok: true,
    ...{ version, device, reason, flops, isSame, gradient: first },
    math: await availableMath(loaded),
    imagesPerSecond: (steps * batchSize) / seconds,
    cpuMsPerImage: (user + system) / 1000 / (steps * batchSize),
    rssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** A bright square on noise; any engine gets the same. */
function picture(image: number, size: number) {
  const labels = new Uint8Array(size * size);
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, i) => 60 + ((i * 7919 + image * 31) % 97));
  const tag = 1 + (image % 2);
  for (let i = 0; i < labels.length; i++) {
    const [x, y] = [i % size, Math.floor(i / size)];
    if (Math.min(x, y, size - 1 - x, size - 1 - y) < size / 4) continue;
    labels[i] = tag;
    pixels[3 * i + tag - 1] = 240;
  }
  return { image, pixels, labels, tags: [tag] };
}

const answer = await bench(process.argv[2] as EngineChoice).catch((thrown: unknown): BenchAnswer => {
  const { code, message } = AppError.from(thrown);
  return { ok: false, code, message };
});
process.send!(answer, () => process.disconnect());
