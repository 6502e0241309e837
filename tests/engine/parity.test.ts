/**
 * The wasm engine against TensorFlow, in one process: every operation that the method uses, then whole training steps of
 * every network. What is compared is relative to the largest value of the tensor: sums in another order differ in the
 * last digits.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { type MethodConfig, type MethodOverrides, methodConfigSchema } from "../../shared/config/method.js";
import type { Compute } from "../../worker/compute/contract.js";
import { engineEnv } from "../../worker/engine/environment.js";
import type { Engine } from "../../worker/engine/load.js";
import { createCompute } from "../../worker/segmentation/compute.js";
import { squarePicture } from "../../worker/segmentation/testing.js";
import type { Tensor, Tensor4D, Tf } from "../../worker/segmentation/tf.js";
import { operations } from "./operations.js";

let tf: Tf;

beforeAll(async () => {
  Object.assign(process.env, engineEnv({ engine: "tensorflow", threads: 1 }));
  // The built program: the kernels are compiled with it. Both engines live in one tfjs, and take turns.
  const { loadEngine } = (await import("../../dist/worker/engine/load.js" as string)) as {
    loadEngine: (options: object) => Promise<Engine>;
  };
  await loadEngine({ engine: "tensorflow", threads: 1 });
  ({ tf } = await loadEngine({ engine: "wasm", threads: 3 }));
});

async function on<T>(backend: "tensorflow" | "wasm", work: () => T | Promise<T>): Promise<T> {
  await tf.setBackend(backend);
  return work();
}

function difference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let [worst, scale] = [0, 1e-30];
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    const off = Math.abs(actual[i]! - expected[i]!);
    worst = Number.isNaN(off) ? Number.POSITIVE_INFINITY : Math.max(worst, off);
  }
  return worst / scale;
}

function valuesOf(work: (tf: Tf) => Tensor | readonly Tensor[]): Float32Array[] {
  const results = tf.tidy(() => [work(tf)].flat() as unknown as Tensor[]) as Tensor[];
  return results.map((tensor) => {
    const values = Float32Array.from(tensor.dataSync());
    tensor.dispose();
    return values;
  });
}

const small = {
  imageSize: 64,
  classifier: { microBatches: 1, microBatchSize: 2, cropSize: 64, stride: 8, steps: 2 },
  segmenter: { microBatches: 1, microBatchSize: 2, cropSize: 64, channels: 16, steps: 2, backboneRate: 0.5 },
  mining: { rounds: 0 },
  cam: { scales: [1] },
  pamr: { size: 32, dilations: [1, 2] },
  scratch: { widths: [8, 16, 16, 24] },
} satisfies MethodOverrides;

const examples = [squarePicture(0, [1], true, 64), squarePicture(1, [2], true, 64)];

interface Steps {
  readonly classifier: Float32Array;
  readonly segmenter: Float32Array;
  readonly labels: Uint8Array;
}

async function steps(compute: Compute): Promise<Steps> {
  const classifying = { model: "classifier", round: 0 } as const;
  const growing = { model: "segmenter", round: 1 } as const;
  const gradient = async (stage: typeof classifying | typeof growing) => {
    return (await compute.gradients({ stage, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples }] }))[0]!
      .values;
  };
  compute.load(classifying, compute.init(classifying).values);
  const classifier = await gradient(classifying);
  compute.load(growing, compute.init(growing).values);
  const segmenter = await gradient(growing);
  const [seed] = await compute.seeds(examples);
  const [result] = await compute.refine(growing, [{ ...examples[0]!, ...seed!, labels: seed!.labels }]);
  compute.dispose();
  return { classifier, segmenter, labels: result!.labels };
}

describe("a training step", () => {
  const networks = ["dfn", "fcn8", "fcn32", "capsule", "linear8"] as const;

  test.each(networks)("of %s has TensorFlow's gradients, and its masks", async (network) => {
    const method: MethodConfig = methodConfigSchema.parse({ ...small, segmenter: { ...small.segmenter, network } });
    const setup = { method, seed: 7, classes: ["horse", "zebra"], backbone: null };
    const expected = await on("tensorflow", async () => steps(await createCompute(tf, setup, null)));
    const actual = await on("wasm", async () => steps(await createCompute(tf, setup, null)));
    expect(difference(actual.classifier, expected.classifier)).toBeLessThan(1e-4);
    expect(difference(actual.segmenter, expected.segmenter)).toBeLessThan(1e-4);
    const same = actual.labels.filter((label, i) => label === expected.labels[i]).length;
    expect(same / expected.labels.length).toBeGreaterThan(0.99);
  });

  test("borrows no kernel from the slow JavaScript backend, and leaves no tensor behind", async () => {
    const setup = { method: methodConfigSchema.parse(small), seed: 7, classes: ["horse", "zebra"], backbone: null };
    const { registry } = tf.engine() as unknown as { registry: object };
    await on("wasm", async () => {
      const compute = await createCompute(tf, setup, null);
      const before = tf.memory().numTensors;
      await steps(compute);
      expect(tf.memory().numTensors).toBeLessThanOrEqual(before);
    });
    expect(Object.keys(registry).sort()).toEqual(["tensorflow", "wasm"]);
  });
});

describe("an operation gives what TensorFlow gives", () => {
  test.each(Object.keys(operations))("%s", async (name) => {
    const expected = await on("tensorflow", () => valuesOf(operations[name]!));
    const actual = await on("wasm", () => valuesOf(operations[name]!));
    expect(actual.length).toBe(expected.length);
    for (const [i, values] of expected.entries()) expect(difference(actual[i]!, values)).toBeLessThan(3e-6);
  });
});

test("a layer that no kernel of the backend covers is computed nevertheless, by the borrowed one", async () => {
  const depth = (x: Tensor) => tf.depthToSpace(x as Tensor4D, 2);
  const work = (engine: Tf) => tf.erf(tf.topk(depth(engine.randomNormal([2, 3, 3, 8], 0, 1, "float32", 3)), 2).values);
  const expected = await on("tensorflow", () => valuesOf(work));
  const actual = await on("wasm", () => valuesOf(work));
  expect(difference(actual[0]!, expected[0]!)).toBeLessThan(3e-6);
});

test("memory that does not fit is an error, not a crash", async () => {
  await on("wasm", () => {
    const huge = () => tf.zeros([1024, 1024, 1024, 2]);
    expect(huge).toThrow(/out of memory|Invalid/);
  });
});
