/**
 * Compiled steps against the same steps operation by operation, on TensorFlow: gradients and masks of every network, loss and
 * kind of backbone, on other pictures and parameters than those that the program was recorded with.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { type MethodConfig, type MethodOverrides, methodConfigSchema } from "../../shared/config/method.js";
import { openSumsMax } from "../../shared/math/tree-sum.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import { sumTailFloats } from "../../shared/math/wire.js";
import type { BackboneFiles, Compute } from "../../worker/compute/contract.js";
import { isWritten, progressFor, resetProgress, type SumProgress } from "../../worker/compute/sum-progress.js";
import { cpuFacts } from "../../worker/engine/device.js";
import { engineEnv } from "../../worker/engine/environment.js";
import type { Engine } from "../../worker/engine/load.js";
import type { Compile } from "../../worker/segmentation/compiled.js";
import { createCompute } from "../../worker/segmentation/compute.js";
import { filesOfModel, squarePicture } from "../../worker/segmentation/testing.js";
import type { Tf } from "../../worker/segmentation/tf.js";

let tf: Tf;
let compile: Compile;
let programs = 0;

beforeAll(async () => {
  Object.assign(process.env, engineEnv({ engine: "tensorflow", threads: 1 }));
  const { loadEngine } = (await import("../../dist/worker/engine/load.js" as string)) as {
    loadEngine: (options: object) => Promise<Engine>;
  };
  const engine = await loadEngine({ engine: "tensorflow", threads: 1 });
  tf = engine.tf;
  compile = async (build) => {
    programs++;
    return engine.compile!(build);
  };
});

const size = 64;
const stages = [
  { model: "classifier", round: 0 },
  { model: "segmenter", round: 1 },
] as const;
const small = {
  imageSize: size,
  classifier: { microBatches: 1, microBatchSize: 2, cropSize: size, stride: 8, steps: 2 },
  segmenter: { microBatches: 1, microBatchSize: 2, cropSize: size, channels: 16, steps: 2, backboneRate: 0.5 },
  mining: { rounds: 0 },
  cam: { scales: [1] },
  pamr: { size: 32, dilations: [1, 2] },
  scratch: { widths: [8, 16, 16, 24] },
} satisfies MethodOverrides;

function methodWith(segmenter: object, rest: object = {}): MethodConfig {
  return methodConfigSchema.parse({ ...small, ...rest, segmenter: { ...small.segmenter, ...segmenter } });
}

/** Of the largest value of all: sums in another order differ in the last digits. */
function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [worst, scale] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
  }
  return worst / scale;
}

/** Two steps of both stages with parameters that change, and masks; everything depends on the pictures. */
async function results(compute: Compute, rate = 0.01): Promise<{ gradients: Float32Array[]; labels: Uint8Array }> {
  const gradients: Float32Array[] = [];
  for (const stage of stages) {
    const { values } = compute.init(stage);
    for (const step of [0, 1]) {
      compute.load(stage, values);
      const examples = [0, 1].map((slot) => squarePicture(2 * step + slot, [1 + ((slot + step) % 2)], true, size));
      const job = { stage, step, leafCount: 1, microBatches: [{ leaf: 0, examples }] };
      const sum = (await compute.gradients(job))[0]!.values;
      gradients.push(sum.slice());
      for (let i = 0; i < values.length; i++) values[i] = values[i]! - rate * Math.sign(sum[i]!);
    }
    compute.load(stage, values);
  }
  const photo = { ...squarePicture(9, [1], true, size), width: size, height: size, allowed: null };
  const [result] = await compute.predict([photo]);
  return { gradients, labels: result!.labels };
}

async function expectSame(method: MethodConfig, backbone: BackboneFiles | null = null): Promise<number> {
  const setup = { method, seed: 7, classes: ["horse", "zebra"], backbone };
  const expected = await results(await createCompute(tf, setup, null));
  programs = 0;
  const compute = await createCompute(tf, setup, compile);
  const before = tf.memory().numTensors;
  const actual = await results(compute);
  expect(tf.memory().numTensors).toBe(before);
  for (const [i, gradient] of expected.gradients.entries()) {
    expect(difference(actual.gradients[i]!, gradient)).toBeLessThan(1e-5);
  }
  const same = actual.labels.filter((label, i) => label === expected.labels[i]).length;
  expect(same / expected.labels.length).toBeGreaterThan(0.99);
  compute.dispose();
  return programs;
}

describe("a compiled training step has the gradients of its operations", () => {
  test.each(["dfn", "fcn8", "fcn16", "fcn32", "capsule", "linear8"])("with the network %s", async (network) => {
    // Classifier, segmenter, prediction.
    expect(await expectSame(methodWith({ network }))).toBe(3);
  });

  test.each([
    { loss: "balanced" },
    { loss: "confidence", softLabels: 0.5 },
    { loss: "collision", softLabels: 0.5 },
    { pairwiseWeight: 1 },
    { borderWeight: 0.1 },
    { deepSupervision: 0.4 },
    { backboneRate: 0 },
    { backboneTrainFrom: 16 },
  ])("with %j", async (segmenter) => {
    expect(await expectSame(methodWith(segmenter))).toBe(3);
  });

  test("and the same bits from every program of one formula", async () => {
    const setup = { method: methodWith({}), seed: 7, classes: ["horse", "zebra"], backbone: null };
    const [one, other] = [await createCompute(tf, setup, compile), await createCompute(tf, setup, compile)];
    expect(await results(other)).toEqual(await results(one));
    for (const compute of [one, other]) compute.dispose();
  });

  test("with depthwise convolutions", async () => {
    const scratch = { ...small.scratch, kind: "mobilenet" };
    expect(await expectSame(methodWith({}, { scratch }))).toBe(3);
  });

  test("and a RegionNet, whose shapes differ from photo to photo, is not compiled", async () => {
    expect(await expectSame(methodWith({}, { refine: { updater: "mcof" } }))).toBe(2);
  });

  test.each([0, 0.1])("with a pretrained backbone that learns at rate %d", async (backboneRate) => {
    expect(await expectSame(methodWith({ backboneRate }), await pretrained())).toBe(3);
  });
});

/** Of three micro-batches, of both stages. `progress`: where the engine is to say what of the last one is written. */
async function sumsOf(compute: Compute, roomed: boolean, progress?: SumProgress): Promise<Float32Array[]> {
  const sums: Float32Array[] = [];
  for (const stage of stages) {
    const { values } = compute.init(stage);
    compute.load(stage, values);
    const length = values.length + sumTailFloats;
    const room = () => new VectorMemory(length).floats(length).fill(7);
    const rooms = roomed ? Array.from({ length: openSumsMax(3) }, room) : [];
    const microBatches = [0, 1, 2].map((leaf) => {
      return { leaf, examples: [0, 1].map((slot) => squarePicture(2 * leaf + slot, [1 + slot], true, size)) };
    });
    if (progress) resetProgress(progress);
    const told = progress && { progress };
    const [sum] = await compute.gradients({ stage, step: 0, leafCount: 3, microBatches, rooms, ...told });
    expect(rooms[sum!.room ?? -1]).toBe(roomed ? sum!.values : undefined);
    sums.push(sum!.values.slice());
  }
  return sums;
}

describe("sums that TensorFlow puts into memory that threads share have the bits of those that are read out", () => {
  test.each([
    ["compiled", {}, {}],
    ["compiled, of a frozen backbone", { backboneRate: 0 }, {}],
    ["operation by operation, with a RegionNet", {}, { refine: { updater: "mcof" } }],
  ])("%s", async (_, segmenter, rest) => {
    const setup = { method: methodWith(segmenter, rest), seed: 7, classes: ["horse", "zebra"], backbone: null };
    const compute = await createCompute(tf, setup, compile);
    const readOut = await sumsOf(compute, false);
    const before = tf.memory();
    expect(await sumsOf(compute, true)).toEqual(readOut);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    compute.dispose();
  });

  test("marked by TensorFlow as it writes them, but for the last part, which is not whole before its weight is", async () => {
    const method = methodWith({ network: "linear8" });
    const setup = { method, seed: 7, classes: ["horse", "zebra"], backbone: null };
    const compute = await createCompute(tf, setup, compile, undefined, true);
    const progress = progressFor(200);
    const before = tf.memory();
    const marked = await sumsOf(compute, true, progress);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    const length = marked.at(-1)!.length;
    const parts = progress.ends[0]!;
    expect(parts).toBeGreaterThan(5);
    expect(progress.ends[parts]).toBe(length);
    const last = progress.ends[parts - 1]!;
    expect(length - last, "the last part is small").toBeLessThan(100);
    expect([isWritten(progress, 0, last), isWritten(progress, last, length)]).toEqual([true, false]);
    expect(await sumsOf(compute, true), "the same bits unmarked").toEqual(marked);
    compute.dispose();
  });
});

const hasBfloat16 = ["AMX_BF16", "AVX512_BF16"].includes(cpuFacts().vectorSet);
if (!hasBfloat16) process.stderr.write("SKIPPED: steps in bfloat16, since this processor has no instructions for it\n");

describe.skipIf(!hasBfloat16)("a training step in bfloat16", () => {
  /** Of 8 bits of mantissa. */
  const unit = 2 ** -8;

  test.each([0, 0.1])("has about the gradients of float32, backbone at rate %d", async (backboneRate) => {
    const [method, backbone] = [methodWith({ backboneRate }), await pretrained()];
    const gradientsIn = async (math: "f32" | "bf16") => {
      const setup = { method: { ...method, math }, seed: 7, classes: ["horse", "zebra"], backbone };
      const compute = await createCompute(tf, setup, compile);
      const { gradients } = await results(compute, 0);
      compute.dispose();
      return gradients;
    };
    const [exact, half, again] = [await gradientsIn("f32"), await gradientsIn("bf16"), await gradientsIn("bf16")];
    expect(again).toEqual(half);
    // The segmenter's first step.
    const off = difference(half[2]!, exact[2]!);
    expect(off).toBeGreaterThan(unit / 64);
    expect(off).toBeLessThan(8 * unit);
  });
});

describe("while a formula is recorded", () => {
  const x = () => tf.tensor1d([1, 2, 3]);

  test("no result takes memory, and the program computes it all the same", async () => {
    const held = tf.backend() as unknown as { tensorMap: { get(dataId: object): { id: number; values: unknown } } };
    const entries: { id: number; values: unknown }[] = [];
    const program = await compile(() => {
      const input = x();
      const value = () => {
        const doubled = input.mul(2);
        const sum = doubled.add(input);
        entries.push(...[doubled, sum].map(({ dataId }) => ({ ...held.tensorMap.get(dataId) })));
        return sum.square();
      };
      return { inputs: [input], value };
    });
    expect(entries).toMatchObject([
      { id: -1, values: null },
      { id: -1, values: null },
    ]);
    expect([...program.run([tf.tensor1d([1, -1, 2])]).dataSync()]).toEqual([9, 9, 36]);
    program.dispose();
  });

  test("one that reads what it computes is refused: a program would repeat what it read", async () => {
    const reading = compile(() => {
      const input = x();
      return { inputs: [input], value: () => input.mul(input.mul(2).dataSync()[0]!) };
    });
    await expect(reading).rejects.toThrow(/does not read/);
  });
});

/** Four strides, a bias and a ReLU6 each; a depthwise one among them. */
async function pretrained(): Promise<BackboneFiles> {
  const inputs = tf.input({ shape: [null, null, 3] });
  const { layers } = tf;
  const init = (seed: number) => tf.initializers.heNormal({ seed });
  let x = inputs;
  for (const [i, filters] of [8, 12, 16, 16, 24].entries()) {
    const start = { kernelInitializer: init(i), biasInitializer: init(20 + i) };
    const conv = { filters, kernelSize: 3, strides: 2, padding: "same", ...start } as const;
    x = layers.reLU({ maxValue: 6 }).apply(layers.conv2d(conv).apply(x)) as typeof inputs;
    const each = { depthwiseInitializer: init(10 + i), biasInitializer: init(30 + i) };
    const around = { kernelSize: 3, padding: "same", ...each } as const;
    x = layers.reLU({ maxValue: 6 }).apply(layers.depthwiseConv2d(around).apply(x)) as typeof inputs;
  }
  const model = tf.model({ inputs, outputs: x });
  const files = await filesOfModel(tf, model);
  model.dispose();
  return files;
}
