/**
 * PAMR on webgpu beside that in typed arrays, alone and in all that is done to a photo; prints one line of JSON. A process of its
 * own, for the driver is found by its environment.
 */
import { squarePicture } from "./pictures.mjs";

const { loadEngine } = await import("../../dist/worker/engine/load.js");
const { Programs } = await import("../../dist/worker/segmentation/compiled.js");
const { createCompute } = await import("../../dist/worker/segmentation/compute.js");
const { PamrPrograms, pamrKernels } = await import("../../dist/worker/segmentation/pamr-program.js");
const { pamrInArrays } = await import("../../dist/worker/segmentation/refinement.js");
const { predictImage, refineImage } = await import("../../dist/worker/segmentation/stages.js");
const { SuperpixelCache } = await import("../../dist/worker/segmentation/superpixels/cut.js");
const { methodConfigSchema } = await import("../../dist/shared/config/method.js");
const { Rng } = await import("../../dist/shared/rng.js");

const { tf, compile, fingerprint } = await loadEngine({ engine: "webgpu", threads: 1 });

function noise(length, key, scale = 1) {
  const rng = new Rng("pamr", key);
  return Float32Array.from({ length }, () => rng.uniform(0, scale));
}
const colours = {
  noise: (side) => noise(side * side * 3, "photo", 255).map(Math.round),
  flat: (side) => new Float32Array(side * side * 3).fill(117),
  /** Two flat halves, and one colour that is the same everywhere. */
  edge: (side) =>
    Float32Array.from({ length: side * side * 3 }, (_, i) => ((i / 3) % side < side / 2 ? 20 : [220, 20, 90][i % 3])),
  /** Bright and nearly flat: where a variance from sums of squares would cancel. */
  faint: (side) => noise(side * side * 3, "faint", 0.01).map((value) => 250 + value),
};
const near = [1, 2, 4, 8];
const far = [1, 2, 4, 8, 12, 24];
const cases = [
  { photo: "noise", side: 32, channels: 1, dilations: far, iterations: 1 },
  { photo: "noise", side: 32, channels: 3, dilations: far, iterations: 10 },
  { photo: "noise", side: 37, channels: 4, dilations: near, iterations: 3 },
  { photo: "noise", side: 16, channels: 8, dilations: [1], iterations: 50 },
  { photo: "noise", side: 5, channels: 2, dilations: far, iterations: 2 },
  { photo: "noise", side: 1, channels: 1, dilations: near, iterations: 2 },
  { photo: "flat", side: 32, channels: 1, dilations: far, iterations: 10 },
  { photo: "flat", side: 24, channels: 3, dilations: near, iterations: 3 },
  { photo: "edge", side: 32, channels: 3, dilations: near, iterations: 10 },
  { photo: "faint", side: 32, channels: 3, dilations: far, iterations: 3 },
  { photo: "noise", side: 64, channels: 3, dilations: [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64], iterations: 2 },
];

const isSame = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

async function compare() {
  const [recorded, composed] = [new PamrPrograms(tf, compile), new PamrPrograms(tf, null)];
  const [differences, bits] = [{}, []];
  for (const { photo, side, channels, dilations, iterations } of cases) {
    const map = { values: noise(side * side * channels, "map"), side, channels };
    const work = { rgb: colours[photo](side), map, dilations, iterations };
    const before = map.values.slice();
    const [actual, expected] = [await recorded.pamrBy(work), await pamrInArrays(work)];
    const worst = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]) || 0), 0);
    const isSound = actual.length === expected.length && actual.every(Number.isFinite) && isSame(before, map.values);
    differences[`${photo}, ${side} px, ${channels} channels, ${dilations}, ${iterations} times`] = isSound
      ? worst
      : "unsound";
    // Again, after others; and with another map in between, that nothing of it is left.
    await recorded.pamrBy({ ...work, map: { ...map, values: map.values.map((value) => 1 - value) } });
    bits.push(isSame(actual, await recorded.pamrBy(work)) && isSame(actual, await composed.pamrBy(work)));
  }
  for (const programs of [recorded, composed]) programs.dispose();
  return { differences, sameBits: bits.every(Boolean) };
}

const method = methodConfigSchema.parse({
  imageSize: 64,
  classifier: { microBatches: 1, microBatchSize: 1, cropSize: 32, stride: 8, steps: 2 },
  segmenter: { microBatches: 1, microBatchSize: 1, cropSize: 32, channels: 8, steps: 2, backboneRate: 0.5 },
  mining: { rounds: 0 },
  cam: { scales: [1] },
  pamr: { size: 32 },
  refine: { pamrIterations: 5, flip: false, scales: [1] },
  predict: { pamrIterations: 5, flip: false, scales: [1] },
  scratch: { widths: [8, 8, 8, 8] },
});

/** Two squares, and a network that sees them blurred and with much noise. */
const picture = { ...squarePicture(1, 64), tags: [1, 2] };
for (let y = 10; y < 30; y++) picture.labels.fill(2, y * 64 + 40, y * 64 + 60);
for (const [i, id] of picture.labels.entries()) if (id === 2) picture.pixels.set([60, 240, 90], 3 * i);
const scores = noise(16 * 16 * 3, "network", 3);
const logits = scores.map((value, at) => {
  const [cell, id] = [Math.floor(at / 3), at % 3];
  return value + (picture.labels[Math.floor(cell / 16) * 4 * 64 + (cell % 16) * 4] === id ? 2 : 0);
});

/** Labels of a round and of a prediction by that network, of seeds by an untrained one. */
async function labelsOf(pamrBy) {
  const parts = {
    ...{ tf, method, classCount: 2, seed: 0, superpixels: new SuperpixelCache(method.superpixels), pamrBy },
    ...{ params: () => null, tensors: [], programs: new Programs(tf, null), backbone: { taps: () => [] } },
    network: { logits: () => [tf.tensor4d(logits, [1, 16, 16, 3])] },
  };
  const compute = await createCompute(tf, { method, seed: 7, classes: ["horse", "zebra"], backbone: null }, compile);
  const stage = { model: "classifier", round: 0 };
  compute.load(stage, compute.init(stage).values);
  const [seeds] = await compute.seeds([picture]);
  compute.dispose();
  const { cam, camHeight, camWidth } = seeds;
  const round = await refineImage(
    parts,
    { model: "segmenter", round: 1 },
    { ...picture, cam, camHeight, camWidth, isRejected: true },
  );
  const prediction = await predictImage(parts, { ...picture, width: 90, height: 70, allowed: null });
  return { seeds: seeds.labels, round: round.labels, prediction: prediction.labels };
}

const bytesBefore = tf.memory().numBytesInGPU;
const tensorsBefore = tf.memory().numTensors;
const comparison = await compare();
/** Of the affinities: by a compute, whose PAMR nobody has chosen, and by the programs given. */
const affinity = tf.getKernel(pamrKernels.affinity, "webgpu");
let calls = 0;
tf.unregisterKernel(pamrKernels.affinity, "webgpu");
tf.registerKernel({ ...affinity, kernelFunc: (call) => ++calls && affinity.kernelFunc(call) });
const programs = new PamrPrograms(tf, compile);
const byGpu = await labelsOf(programs.pamrBy);
programs.dispose();
tf.unregisterKernel(pamrKernels.affinity, "webgpu");
const callsByGpu = calls;
const byArrays = await labelsOf(pamrInArrays);
const results = Object.fromEntries(
  Object.entries(byGpu).map(([name, labels]) => {
    const equal = labels.reduce((sum, id, i) => sum + (id === byArrays[name][i] ? 1 : 0), 0) / labels.length;
    return [name, { equal, ids: [...new Set(labels)].sort() }];
  }),
);
const left = {
  bytes: tf.memory().numBytesInGPU - bytesBefore,
  tensors: tf.memory().numTensors - tensorsBefore,
};
process.stdout.write(`${JSON.stringify({ fingerprint, ...comparison, results, calls: callsByGpu, left })}\n`);
process.exit(0);
