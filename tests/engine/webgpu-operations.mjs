/**
 * Every operation of the method on webgpu and on TensorFlow (wasm where that is not installed); prints the largest relative differences
 * as one line of JSON: webgpu-operations.mjs OPERATIONS_MODULE [PART OF A NAME]. A process of its own, for the driver is found by its environment.
 */
const { operations } = await import(process.argv[2]);
const { loadEngine, engineEnv } = await import("../../dist/worker/engine/load.js");
const { relativeDifference } = await import("../../dist/shared/math/relative-difference.js");

const { cropLabels, cropTaps, drawPixels } = await import("../../dist/worker/segmentation/augment.js");
const { cropKernels, lookFloats, wordsOf } = await import("../../dist/worker/segmentation/engine-batch.js");
const { groupNorm } = await import("../../dist/worker/segmentation/nn/group-norm.js");
const { relu, relu6 } = await import("../../dist/worker/segmentation/nn/relu.js");
const { upsample } = await import("../../dist/worker/segmentation/nn/upsample.js");

await loadEngine({ engine: "webgpu", threads: 1 });
Object.assign(process.env, engineEnv({ engine: "auto", threads: 1 }));
const { tf, name: reference } = await loadEngine({ engine: "auto", threads: 1 });

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

/** The result, and its gradient by every input, weighted so that no two cells have the same. */
function withGradients(f, ...shapes) {
  return () => {
    const inputs = shapes.map((shape, i) => tf.randomNormal(shape, 0.3, 1, "float32", i + 1));
    const value = f(...inputs);
    const weight = tf.randomNormal(value.shape, 0, 1, "float32", 99);
    return [value, ...tf.grads((...args) => f(...args).mul(weight))(inputs)];
  };
}

/** TensorFlow's backend takes no explicit padding. */
function paddedConvolution(x, w, pad) {
  return tf.getBackend() === "webgpu" ? tf.conv2d(x, w, 2, pad) : tf.conv2d(tf.pad(x, pad), w, 2, "valid");
}

/** Pictures and labels of two photos, each with its own crop and light. */
function crops() {
  const [imageSize, size] = [13, 9];
  const cells = size * size;
  const bytes = (channels, key) =>
    Uint8Array.from({ length: imageSize ** 2 * channels }, (_, i) => (i * i * key) % 256);
  const looks = [
    { crop: { x: 2.3, y: 0, side: 10.1, mirrored: true }, light: { gain: 1.2, offset: [0.1, -0.4, 0.2], grey: false } },
    { crop: { x: 0, y: 1.7, side: 11.3, mirrored: false }, light: { gain: 0.8, offset: [0, 0.3, -0.1], grey: true } },
  ];
  const photos = [bytes(3, 31), bytes(3, 62)];
  const labels = [bytes(1, 7), bytes(1, 11)];
  if (tf.getBackend() !== "webgpu") {
    const [drawn, cropped] = [new Float32Array(2 * cells * 3), new Int32Array(2 * cells)];
    for (const [i, { crop, light }] of looks.entries()) {
      drawPixels(photos[i], imageSize, crop, light, size, drawn.subarray(i * cells * 3));
      cropLabels({ labels: labels[i] }, imageSize, crop, size, cropped.subarray(i * cells));
    }
    return [tf.tensor4d(drawn, [2, size, size, 3]), tf.tensor3d(cropped, [2, size, size], "int32")];
  }
  const packed = (arrays) => {
    const words = wordsOf(arrays[0].length);
    const all = new Int32Array(2 * words);
    for (const [i, array] of arrays.entries()) new Uint8Array(all.buffer).set(array, 4 * i * words);
    return tf.tensor2d(all, [2, words], "int32");
  };
  const rows = looks.map(({ crop, light: { gain, offset, grey } }) => {
    const row = new Float32Array(lookFloats(size));
    cropTaps(crop, imageSize, size, row);
    row.set([gain, ...offset, Number(grey)], 4 * size);
    return tf.tensor1d(row);
  });
  const run = (name, inputs) => tf.engine().runKernel(name, { ...inputs, looks: tf.stack(rows) }, { imageSize, size });
  return [run(cropKernels.pictures, { photos: packed(photos) }), run(cropKernels.labels, { labels: packed(labels) })];
}

const norm = (relu, groups) => (x, gamma, beta) => groupNorm(tf, x, gamma, beta, { groups, relu });
/** What has kernels of its own here, or large tiles. */
const own = {
  crops,
  "group norm": withGradients(norm(false, 2), [2, 5, 7, 6], [6], [6]),
  "group norm, ReLU": withGradients(norm(true, 2), [2, 13, 11, 16], [16], [16]),
  "upsample x2": withGradients((x) => upsample(tf, x, 10, 14), [2, 5, 7, 8]),
  "upsample, odd": withGradients((x) => upsample(tf, x, 17, 9), [1, 4, 5, 3]),
  "upsample of one cell": withGradients((x) => upsample(tf, x, 3, 4), [2, 1, 1, 4]),
  "conv, explicit padding": withGradients(
    (x, w) =>
      paddedConvolution(x, w, [
        [0, 0],
        [1, 2],
        [0, 1],
        [0, 0],
      ]),
    ...[
      [2, 9, 8, 5],
      [3, 3, 5, 6],
    ],
  ),
  "conv, many channels": withGradients((x, w) => tf.conv2d(x, w, 1, "same"), [1, 2, 2, 768], [1, 1, 768, 704]),
  "depthwise, stride 2, no padding": withGradients(
    (x, w) => tf.depthwiseConv2d(x, w, 2, "valid"),
    [2, 9, 8, 8],
    [3, 3, 8, 1],
  ),
  "conv, sums in parts, stride 2": withGradients((x, w) => tf.conv2d(x, w, 2, "same"), [2, 7, 6, 64], [3, 3, 64, 132]),
  "conv, sums in parts with bias and ReLU6": () => {
    const [x, filter, bias] = [[1, 5, 4, 64], [3, 3, 64, 8], [8]].map((shape, i) => {
      return tf.randomNormal(shape, 0, 1, "float32", i + 1);
    });
    return tf.fused.conv2d({ x, filter, bias, strides: 1, pad: "same", activation: "relu6" });
  },
  "conv, colours": withGradients((x, w) => tf.conv2d(x, w, 2, "same"), [2, 9, 8, 3], [5, 5, 3, 12]),
  "ReLU and its gradient": withGradients((x) => relu(tf, x), [3, 5, 7]),
  "ReLU6 and its gradient": withGradients((x) => relu6(tf, x.mul(8)), [2, 6, 8]),
  "sum of what was cast": () => tf.randomNormal([2, 16, 16], 0, 1, "float32", 1).greater(0).cast("float32").sum([1, 2]),
  "sum of all": withGradients((x) => x.square().sum(), [8, 16, 16, 4]),
};

const [, , , part = ""] = process.argv;
const chosen = Object.entries({ ...operations, ...own }).filter(([name]) => name.includes(part));
const differences = {};
for (const [name, work] of chosen) {
  try {
    const [actual, expected] = [await valuesOf("webgpu", work), await valuesOf(reference, work)];
    const worst = Math.max(...expected.map((values, i) => relativeDifference(actual[i], values)));
    // JSON has no word for what is not a number.
    differences[name] = Number.isFinite(worst) ? worst : String(worst);
  } catch (error) {
    differences[name] = error.message;
  }
}
process.stdout.write(`${JSON.stringify(differences)}\n`);
process.exit(0);
