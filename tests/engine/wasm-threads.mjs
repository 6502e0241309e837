/**
 * Operations of a training step on the wasm engine that is compiled into FOLDER, by so many threads; prints the SHA-256 of each
 * result, and how many parts other threads have done: wasm-threads.mjs FOLDER THREADS
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

const [folder, threads] = process.argv.slice(2);
const { openWasm } = await import(join(folder, "worker/wasm/load.js"));
const { reluGradient } = await import(join(folder, "worker/segmentation/nn/relu.js"));
const { tf, heap } = await openWasm(Number(threads));

const noise = (shape, seed) => tf.randomUniform(shape, -1, 1, "float32", seed);
/** Gradients by all inputs of the sum of `work` times noise. */
const gradients = (work, ...inputs) => {
  const dy = noise(work(...inputs).shape, 99);
  return [
    work(...inputs),
    ...tf.grads((...given) =>
      work(...given)
        .mul(dy)
        .sum(),
    )(inputs),
  ];
};
const map = noise([4, 31, 33, 24], 1);

/** Large enough for several threads, with rows, pixels and channels that do not come out even. */
const operations = {
  pixels: () => gradients((x, w) => tf.conv2d(x, w, 1, "same"), map, noise([1, 1, 24, 45], 2)),
  taps: () => gradients((x, w) => tf.conv2d(x, w, 1, "same"), map, noise([3, 3, 24, 20], 3)),
  strided: () => gradients((x, w) => tf.conv2d(x, w, 2, "same"), map, noise([3, 3, 24, 42], 4)),
  dilated: () => [tf.conv2d(map, noise([3, 3, 24, 33], 5), 1, "same", "NHWC", 2)],
  manyChannels: () =>
    gradients((x, w) => tf.conv2d(x, w, 1, "same"), noise([2, 9, 9, 96], 6), noise([3, 3, 96, 100], 7)),
  depthwise: () =>
    gradients((x, w) => tf.depthwiseConv2d(x, w, 1, "same"), noise([4, 64, 64, 42], 8), noise([3, 3, 42, 1], 9)),
  depthwiseStrided: () =>
    gradients((x, w) => tf.depthwiseConv2d(x, w, 2, "same"), noise([4, 99, 99, 42], 10), noise([3, 3, 42, 1], 11)),
  pools: () =>
    [tf.maxPool, tf.avgPool].flatMap((pool) => gradients((x) => pool(x, 3, 2, "same"), noise([5, 64, 65, 37], 12))),
  product: () => gradients((a, b) => tf.matMul(a, b, false, true), noise([301, 77], 13), noise([205, 77], 14)),
  sums: () => [map.sum([0, 1, 2]), noise([3, 90, 90, 40], 15).mean([1, 2]), noise([4096, 70], 16).sum(0)],
  relu: () =>
    [tf.sign(map), tf.sign(noise([8, 64, 64, 10], 17))].concat(
      tf
        .engine()
        .runKernel(reluGradient, { dy: noise([8, 64, 64, 11], 18), y: noise([8, 64, 64, 11], 19) }, { ceiling: 0.5 }),
    ),
};

const digest = (work) => {
  const hash = createHash("sha256");
  for (const tensor of tf.tidy(work)) hash.update(new Uint8Array(tensor.dataSync().buffer));
  return hash.digest("hex");
};
const all = () => Object.fromEntries(Object.entries(operations).map(([name, work]) => [name, digest(work)]));

const first = all();
// A thread needs a moment to come in.
const patience = Date.now() + 60_000;
let last = first;
while (threads > 1 && heap.kernels.helpedParts() === 0 && Date.now() < patience) last = all();
process.stdout.write(`${JSON.stringify({ first, last, helped: heap.kernels.helpedParts() })}\n`);
process.exit(0);
