import { beforeAll, describe, expect, test } from "vitest";
import type { BackboneFiles, GradientJob, TrainStage } from "../../compute/contract.js";
import { createCompute } from "../compute.js";
import { filesOfModel, plainTf, squarePicture, tinyMethod } from "../testing.js";
import type { LayersModel, Tf } from "../tf.js";
import { pretrainedBackbone } from "./pretrained.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

const fixedSize = [32, 32, 3];
const frozen = { rate: 0, fromStride: 4 };

/** Convolutions of stride 2, each with its ReLU layer; then what a classifier has on top. */
function classifierModel(strides: number): LayersModel {
  const input = tf.input({ shape: fixedSize });
  let x = input;
  for (let i = 0; i < strides; i++) {
    x = tf.layers
      .conv2d({ filters: 4 + i, kernelSize: 3, strides: 2, padding: "same", name: `c${i}` })
      .apply(x) as never;
    x = tf.layers.reLU({ maxValue: 6, name: `r${i}` }).apply(x) as never;
  }
  x = tf.layers.globalAveragePooling2d({}).apply(x) as never;
  return tf.model({ inputs: input, outputs: tf.layers.dense({ units: 2, activation: "softmax" }).apply(x) as never });
}

/**
 * In the manner of ResNet-50 as Keras saves it: 7x7/2, batch norm, 3x3/2 pooling, then four stages of residual blocks,
 * with the activation behind the sum.
 */
function residualModel(): LayersModel {
  const { layers } = tf;
  let seed = 0;
  type Node = ReturnType<typeof tf.input>;
  const through = (layer: { apply: (x: never) => unknown }, x: Node | Node[]) => layer.apply(x as never) as Node;
  const convolved = (x: Node, filters: number, kernelSize: number, strides: number, name: string): Node => {
    // Seeded, and no bias 0: a ReLU's kink within the step of a numeric gradient comes with some draws only.
    const kernelInitializer = tf.initializers.glorotNormal({ seed: ++seed });
    const biasInitializer = tf.initializers.constant({ value: 0.1 });
    const drawn = { kernelInitializer, biasInitializer };
    const options = { filters, kernelSize, strides, padding: "same", name: `${name}_conv`, ...drawn } as const;
    return through(layers.batchNormalization({ name: `${name}_bn` }), through(layers.conv2d(options), x));
  };
  const activated = (x: Node, name: string) => through(layers.activation({ activation: "relu", name }), x);
  const input = tf.input({ shape: fixedSize });
  let x = activated(convolved(input, 4, 7, 2, "conv1"), "conv1_relu");
  x = through(layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same", name: "pool1" }), x);
  for (const [stage, filters] of [4, 5, 6, 7].entries()) {
    for (const block of [1, 2]) {
      const name = `conv${stage + 2}_block${block}`;
      const strides = stage > 0 && block === 1 ? 2 : 1;
      const shortcut = block === 1 ? convolved(x, filters, 1, strides, `${name}_0`) : x;
      const inner = activated(convolved(x, filters, 3, strides, `${name}_1`), `${name}_1_relu`);
      const sum = through(layers.add({ name: `${name}_add` }), [
        convolved(inner, filters, 3, 1, `${name}_2`),
        shortcut,
      ]);
      x = activated(sum, `${name}_out`);
    }
  }
  const pooled = through(layers.globalAveragePooling2d({}), x);
  return tf.model({ inputs: input, outputs: through(layers.dense({ units: 2, activation: "softmax" }), pooled) });
}

function filesOf(model: LayersModel, sidecar: object | null = null): Promise<BackboneFiles> {
  return filesOfModel(tf, model, sidecar);
}

const residualTaps = ["conv2_block2_out", "conv3_block2_out", "conv4_block2_out", "conv5_block2_out"];

describe("a backbone from a file", () => {
  test("its taps are the last activations at strides 4, 8, 16 and 32, at any image size", async () => {
    const backbone = await pretrainedBackbone(tf, await filesOf(classifierModel(5)), frozen);
    expect(backbone.channels).toEqual([5, 6, 7, 8]);
    const taps = backbone.taps(tf.zeros([2, 64, 96, 3]), () => tf.scalar(0));
    expect(taps.map(({ shape }) => shape)).toEqual([
      [2, 16, 24, 5],
      [2, 8, 12, 6],
      [2, 4, 6, 7],
      [2, 2, 3, 8],
    ]);
  });

  test("seedgrow.json may name the taps and the range of pixels", async () => {
    const model = classifierModel(5);
    const sidecar = { scale: 1, offset: 0, taps: ["c1", "r2", "r3", "r4"] };
    const plain = await pretrainedBackbone(tf, await filesOf(model), frozen);
    const scaled = await pretrainedBackbone(tf, await filesOf(model, sidecar), frozen);
    const bytes = tf.fill([1, 32, 32, 3], 255);
    const [expected] = plain.taps(bytes as never, () => tf.scalar(0));
    const [linear] = scaled.taps(bytes.div(127.5).sub(1) as never, () => tf.scalar(0));
    expect(linear!.relu6().sub(expected!).abs().max().dataSync()[0]).toBeLessThan(1e-3);
  });

  test("a residual network's taps are the sums' activations, found without a sidecar", async () => {
    const files = await filesOf(residualModel());
    const found = await pretrainedBackbone(tf, files, frozen);
    const named = { ...files, sidecar: new TextEncoder().encode(JSON.stringify({ taps: residualTaps })) };
    const asked = await pretrainedBackbone(tf, named, frozen);
    expect(found.channels).toEqual([4, 5, 6, 7]);
    const x = tf.randomUniform([1, 64, 32, 3], -1, 1, "float32", 3) as never;
    const values = (backbone: typeof found) => backbone.taps(x, () => tf.scalar(0)).map((tap) => [...tap.dataSync()]);
    expect(values(found)).toEqual(values(asked));
  });

  test("says which stride is missing, and what there is", async () => {
    const files = await filesOf(classifierModel(4));
    await expect(pretrainedBackbone(tf, files, frozen)).rejects.toMatchObject({
      code: "BACKBONE_INVALID",
      message: "the backbone has no activation at stride 32; strides found: 2, 4, 8, 16",
    });
  });

  test("says so when the file is no model, or the sidecar no sidecar", async () => {
    const garbage = { modelJson: new TextEncoder().encode("{"), weights: new Uint8Array(0), sidecar: null };
    await expect(pretrainedBackbone(tf, garbage, frozen)).rejects.toMatchObject({ code: "BACKBONE_INVALID" });
    const files = await filesOf(classifierModel(5), { tap: [] });
    await expect(pretrainedBackbone(tf, files, frozen)).rejects.toMatchObject({ code: "BACKBONE_INVALID" });
  });
});

describe("training on top", () => {
  const round1: TrainStage = { model: "segmenter", round: 1 };
  const job: GradientJob = {
    stage: round1,
    step: 0,
    leafCount: 1,
    microBatches: [{ leaf: 0, examples: [squarePicture(0, [1])] }],
  };

  async function computeWith(backboneRate: number, backboneTrainFrom: 4 | 16 = 4, model = classifierModel(5)) {
    const method = { ...tinyMethod, segmenter: { ...tinyMethod.segmenter, backboneRate, backboneTrainFrom } };
    const backbone = await filesOf(model);
    return createCompute(tf, { method, seed: 1, classes: ["horse"], backbone }, null);
  }

  test("a frozen backbone has no parameters to train", async () => {
    const compute = await computeWith(0);
    const { specs } = compute.init(round1);
    expect(specs.filter(({ name }) => name.startsWith("backbone/"))).toEqual([]);
    compute.dispose();
  });

  test("a fine-tuned one starts from its file, learns at its own rate, and leaves the classifier's alone", async () => {
    const compute = await computeWith(0.1);
    const { specs, values } = compute.init(round1);
    const own = specs.filter(({ name }) => name.startsWith("backbone/"));
    expect(own.map(({ name }) => name)).toContain("backbone/c0/kernel");
    expect(own.every(({ learningRateScale }) => learningRateScale === 0.1)).toBe(true);
    const classifier: TrainStage = { model: "classifier", round: 0 };
    compute.load(classifier, compute.init(classifier).values);
    const before = await compute.seeds([squarePicture(0, [1])]);
    compute.load(
      round1,
      values.map((value) => value * 1.5),
    );
    const [sum] = await compute.gradients(job);
    expect(sum!.values.slice(0, 3 * 3 * 3 * 4).some((g) => g !== 0)).toBe(true);
    expect(await compute.seeds([squarePicture(0, [1])])).toEqual(before);
    compute.dispose();
  });

  test("one frozen up to stride 8 learns what comes after, by the gradient of its loss", async () => {
    const compute = await computeWith(0.1, 16, residualModel());
    const { specs, values } = compute.init(round1);
    const own = specs.filter(({ name }) => name.startsWith("backbone/"));
    expect(own.every(({ name }) => /^backbone\/conv[45]_/.test(name))).toBe(true);
    expect(own.map(({ name }) => name)).toContain("backbone/conv4_block1_0_conv/kernel");
    expect(own.map(({ name }) => name)).toContain("backbone/conv5_block2_2_bn/gamma");
    const sumsAt = async (moved: Float32Array) => {
      compute.load(round1, moved);
      return (await compute.gradients(job))[0]!.values;
    };
    const sums = await sumsAt(values);
    const loss = async (moved: Float32Array) => (await sumsAt(moved))[values.length]!;
    const offsets = new Map<string, number>();
    let offset = 0;
    for (const { name, shape } of specs) {
      offsets.set(name, offset);
      offset += shape.reduce((product, side) => product * side, 1);
    }
    for (const name of ["conv4_block1_0_conv/kernel", "conv5_block1_1_bn/gamma", "conv5_block2_2_conv/bias"]) {
      const at = offsets.get(`backbone/${name}`)!;
      const by = (step: number) => values.map((value, i) => (i === at ? value + step : value));
      const numeric = ((await loss(by(5e-3))) - (await loss(by(-5e-3)))) / 1e-2;
      expect(Math.abs(numeric - sums[at]!), name).toBeLessThan(0.02 + 0.1 * Math.abs(numeric));
    }
    compute.dispose();
  });
});
