/**
 * One training step of a small network (two convolutions, gradients, SGD) with the engine compiled into FOLDER;
 * prints what it ran on and the SHA-256 of the new weights: training-step.mjs FOLDER
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

const { loadEngine } = await import(join(process.argv[2], "worker/engine/load.js"));
const { tf, fingerprint } = await loadEngine({ engine: "tensorflow", threads: 2 });

/** Numbers in [-0.5, 0.5) from a linear congruence: the same on every Node, unlike Math.random. */
function numbers(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
}

const images = tf.tensor4d(numbers(2 * 16 * 16 * 8, 1), [2, 16, 16, 8]);
const targets = tf.tensor4d(numbers(2 * 16 * 16 * 4, 2), [2, 16, 16, 4]);
const weights = [
  tf.variable(tf.tensor4d(numbers(3 * 3 * 8 * 16, 3), [3, 3, 8, 16])),
  tf.variable(tf.tensor4d(numbers(3 * 3 * 16 * 4, 4), [3, 3, 16, 4])),
];

tf.train.sgd(0.1).minimize(
  () => {
    const hidden = tf.relu(tf.conv2d(images, weights[0], 1, "same"));
    return tf.losses.meanSquaredError(targets, tf.conv2d(hidden, weights[1], 1, "same"));
  },
  false,
  weights,
);

const hash = createHash("sha256");
for (const weight of weights) hash.update(new Uint8Array((await weight.data()).buffer));
// topk calls one of the helpers that Node 23 dropped.
hash.update(new Uint8Array((await tf.topk(weights[0].flatten(), 5).values.data()).buffer));
process.stdout.write(`${JSON.stringify({ node: process.version, fingerprint, sha256: hash.digest("hex") })}\n`);
