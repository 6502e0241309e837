/**
 * Every operation of the method and one training step, on webgpu and on wasm; prints the largest relative differences as one
 * line of JSON: webgpu-parity.mjs OPERATIONS_MODULE. A process of its own, for the driver is found by its environment.
 */
import { squarePicture } from "./pictures.mjs";

const { operations } = await import(process.argv[2]);
const { loadEngine } = await import("../../dist/worker/engine/load.js");
const { createCompute } = await import("../../dist/worker/segmentation/compute.js");
const { methodConfigSchema } = await import("../../dist/shared/config/method.js");

const engine = await loadEngine({ engine: "webgpu", threads: 1 });
const { tf } = await loadEngine({ engine: "wasm", threads: 1 });

async function valuesOf(backend, work) {
  await tf.setBackend(backend);
  const tensors = tf.tidy(() => [work(tf)].flat());
  const values = [];
  for (const tensor of tensors) {
    values.push(Float32Array.from(await tensor.data()));
    tensor.dispose();
  }
  return values;
}

/** Relative to the largest value. */
function difference(actual, expected) {
  let [worst, scale] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]));
    const off = Math.abs(actual[i] - expected[i]);
    worst = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(worst, off);
  }
  return worst / scale;
}

const differences = {};
for (const [name, work] of Object.entries(operations)) {
  try {
    const [actual, expected] = [await valuesOf("webgpu", work), await valuesOf("wasm", work)];
    differences[name] = Math.max(...expected.map((values, i) => difference(actual[i], values)));
  } catch (error) {
    differences[name] = error.message;
  }
}

const method = methodConfigSchema.parse({
  imageSize: 32,
  classifier: { microBatches: 1, microBatchSize: 1, cropSize: 32, stride: 8, steps: 2 },
  segmenter: { microBatches: 1, microBatchSize: 1, cropSize: 32, channels: 8, steps: 2, backboneRate: 0.5 },
  mining: { rounds: 0 },
  cam: { scales: [1] },
  pamr: { size: 16, dilations: [1, 2] },
  scratch: { widths: [8, 8, 8, 8] },
});

async function step(backend) {
  await tf.setBackend(backend);
  const compute = await createCompute(tf, { method, seed: 7, classes: ["horse", "zebra"], backbone: null });
  const sums = {};
  for (const stage of [
    { model: "classifier", round: 0 },
    { model: "segmenter", round: 1 },
  ]) {
    compute.load(stage, compute.init(stage).values);
    const before = compute.stats().tensors;
    const job = { stage, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples: [squarePicture(1, 32)] }] };
    const once = (await compute.gradients(job))[0].values;
    const again = (await compute.gradients(job))[0].values;
    sums[stage.model] = once;
    sums.sameBits = (sums.sameBits ?? true) && once.every((value, i) => value === again[i]);
    sums.leaked = (sums.leaked ?? 0) + compute.stats().tensors - before;
  }
  compute.dispose();
  return sums;
}

const [actual, expected] = [await step("webgpu"), await step("wasm")];
const steps = {
  classifier: difference(actual.classifier, expected.classifier),
  segmenter: difference(actual.segmenter, expected.segmenter),
  sameBits: actual.sameBits,
  leaked: actual.leaked,
};
await tf.setBackend("webgpu");
tf.backend().device.destroy();
const lost = await engine.lost;
process.stdout.write(
  `${JSON.stringify({ device: engine.device, fingerprint: engine.fingerprint, differences, steps, lost })}\n`,
);
process.exit(0);
