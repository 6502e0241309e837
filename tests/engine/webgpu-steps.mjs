/**
 * Two training steps of each network and a prediction on webgpu, operation by operation and recorded, beside TensorFlow (wasm where that
 * is not installed); prints one line of JSON. A process of its own, for the driver is found by its environment.
 */
import { squarePicture } from "./pictures.mjs";

const { loadEngine, engineEnv } = await import("../../dist/worker/engine/load.js");
const { createCompute } = await import("../../dist/worker/segmentation/compute.js");
const { relativeDifference } = await import("../../dist/shared/math/relative-difference.js");
const { VectorMemory } = await import("../../dist/shared/math/vectors.js");
const { methodConfigSchema } = await import("../../dist/shared/config/method.js");

const engine = await loadEngine({ engine: "webgpu", threads: 1 });
Object.assign(process.env, engineEnv({ engine: "auto", threads: 1 }));
const { tf, name: reference } = await loadEngine({ engine: "auto", threads: 1 });

function isSame(a, b) {
  return a.length === b.length && a.every((value, i) => value === b[i]);
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

/** Gradients of two steps of each network, the first one twice; between them parameters and photo change. */
async function step(backend, compile) {
  await tf.setBackend(backend);
  const compute = await createCompute(tf, { method, seed: 7, classes: ["horse", "zebra"], backbone: null }, compile);
  const sums = { classifier: [], segmenter: [], sameBits: true, leaked: 0, inRoom: true };
  for (const stage of [
    { model: "classifier", round: 0 },
    { model: "segmenter", round: 1 },
  ]) {
    const { values } = compute.init(stage);
    for (const step of [0, 1]) {
      compute.load(stage, values.slice());
      const before = compute.stats().tensors;
      const job = { stage, step, leafCount: 1, microBatches: [{ leaf: 0, examples: [squarePicture(1 + step, 32)] }] };
      const once = (await compute.gradients(job))[0].values;
      const rooms = [new VectorMemory(once.length).floats(once.length).fill(7)];
      const [{ room = -1, values: again }] = await compute.gradients({ ...job, rooms });
      sums.inRoom &&= isSame(again, once) && (compile === null || rooms[room] === again);
      sums[stage.model].push(...once);
      if (step === 0) sums.sameBits &&= isSame((await compute.gradients(job))[0].values, once);
      sums.leaked += compute.stats().tensors - before;
      for (let i = 0; i < values.length; i++) values[i] -= 0.01 * Math.sign(once[i]);
    }
    compute.load(stage, values);
  }
  const [{ labels }] = await compute.predict([{ ...squarePicture(3, 32), width: 32, height: 32, allowed: null }]);
  compute.dispose();
  return { ...sums, labels };
}

const expected = await step(reference, null);
await tf.setBackend("webgpu");
const bytesBefore = tf.memory().numBytesInGPU;
const [actual, replayed] = [await step("webgpu", null), await step("webgpu", engine.compile)];
const steps = {
  classifier: relativeDifference(actual.classifier, expected.classifier),
  segmenter: relativeDifference(actual.segmenter, expected.segmenter),
  sameBits: actual.sameBits,
  leaked: actual.leaked + replayed.leaked,
  /** Recorded and played again: the bits of the operations one by one. */
  replayed: ["classifier", "segmenter", "labels"].every((part) => isSame(actual[part], replayed[part])),
  inRoom: actual.inRoom && replayed.inRoom,
  bytesLeft: tf.memory().numBytesInGPU - bytesBefore,
};
await tf.setBackend("webgpu");
tf.backend().device.destroy();
const lost = await engine.lost;
process.stdout.write(`${JSON.stringify({ device: engine.device, fingerprint: engine.fingerprint, steps, lost })}\n`);
process.exit(0);
