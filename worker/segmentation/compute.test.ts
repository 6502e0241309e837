import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { coverRange, TreeAccumulator } from "../../shared/math/tree-sum.js";
import type { Compute, GradientJob, TrainStage } from "../compute/contract.js";
import { squarePicture, tinyCompute, tinyMethod } from "./testing.js";

const classifier: TrainStage = { model: "classifier", round: 0 };
const round1: TrainStage = { model: "segmenter", round: 1 };

let compute: Compute;
beforeAll(async () => {
  compute = await tinyCompute();
  compute.load(classifier, compute.init(classifier).values);
  compute.load(round1, compute.init(round1).values);
});
afterAll(() => compute.dispose());

const microBatches = [0, 1, 2].map((leaf) => ({
  leaf,
  examples: [squarePicture(2 * leaf, [1]), squarePicture(2 * leaf + 1, leaf === 2 ? [] : [2])],
}));

function job(stage: TrainStage, leaves: readonly number[]): GradientJob {
  return { stage, step: 4, leafCount: 3, microBatches: leaves.map((leaf) => microBatches[leaf]!) };
}

describe.each([classifier, round1])("gradients of $model", (stage) => {
  test("a micro-batch has the same bits in another process and in other company", async () => {
    const other = await tinyCompute();
    other.load(classifier, other.init(classifier).values);
    other.load(stage, other.init(stage).values);
    const [alone] = await other.gradients(job(stage, [2]));
    const together = await compute.gradients(job(stage, [0, 2]));
    expect(together).toHaveLength(2);
    expect(together[1]!.values).toEqual(alone!.values);
    other.dispose();
  });

  test("are summed along the tree: the same total, however the leaves were dealt", async () => {
    const whole = await compute.gradients(job(stage, [0, 1, 2]));
    expect(whole.map(({ node }) => node)).toEqual(coverRange({ first: 0, end: 3 }, 3));
    const sums = new TreeAccumulator(3);
    for (const leaves of [[1, 2], [0]]) {
      for (const { node, values } of await compute.gradients(job(stage, leaves))) sums.add(node, values);
    }
    expect(sums.total()).toEqual(whole[0]!.values);
  });

  test("end with the loss sum and the number of images", async () => {
    const { values } = (await compute.gradients(job(stage, [0])))[0]!;
    expect(values).toHaveLength(compute.init(stage).values.length + 2);
    expect(values.at(-1)).toBe(2);
    expect(values.at(-2)).toBeGreaterThan(0);
  });

  test("leave no tensor behind", async () => {
    await compute.gradients(job(stage, [0]));
    const { tensors, bytes } = compute.stats();
    await compute.gradients(job(stage, [1]));
    expect(compute.stats()).toEqual({ tensors, bytes });
  });

  test("differ from step to step: the augmentation is drawn anew", async () => {
    const [first] = await compute.gradients(job(stage, [0]));
    const [second] = await compute.gradients({ ...job(stage, [0]), step: 5 });
    expect(second!.values).not.toEqual(first!.values);
  });
});

test("an image whose labels are all ignored weighs nothing", async () => {
  const blank = { ...squarePicture(0, [1]), labels: new Uint8Array(32 * 32).fill(255) };
  const microBatch = { leaf: 0, examples: [blank, squarePicture(1, [2])] };
  const [sum] = await compute.gradients({ stage: round1, step: 0, leafCount: 1, microBatches: [microBatch] });
  expect(sum!.values.at(-1)).toBe(1);
});

describe("initial parameters", () => {
  test("are the same every time, and others for another round", async () => {
    const first = compute.init(round1);
    expect(compute.init(round1)).toEqual(first);
    expect(compute.init({ model: "segmenter", round: 2 }).values).not.toEqual(first.values);
  });

  test("without a backbone file, a round takes over what the classifier has learnt", async () => {
    const trained = compute.init(classifier);
    const backboneSize = trained.specs
      .filter(({ name }) => name.startsWith("backbone/"))
      .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const values = trained.values.map((value) => value + 1);
    compute.load(classifier, values);
    expect(compute.init(round1).values.slice(0, backboneSize)).toEqual(values.slice(0, backboneSize));
    compute.load(classifier, trained.values);
  });
});

describe("seeds", () => {
  test("a CAM plane per tag of the image, labels only of its tags", async () => {
    const [both, negative] = await compute.seeds([squarePicture(0, [1, 2]), squarePicture(1, [])]);
    expect(both!.cam).toHaveLength(both!.camHeight * both!.camWidth * 2);
    expect(both!.labels).toHaveLength(tinyMethod.imageSize ** 2);
    expect(both!.scores).toHaveLength(2);
    expect(new Set(negative!.labels)).toEqual(new Set([0]));
    expect(negative!.cam).toHaveLength(0);
    const single = (await compute.seeds([squarePicture(2, [2])]))[0]!;
    for (const id of single.labels) expect([0, 2, 255]).toContain(id);
  });
});

describe("refine", () => {
  const refineExample = (tags: readonly number[]) => {
    const { image, pixels, labels } = squarePicture(3, tags);
    const cam = new Uint8Array(4 * 4 * tags.length);
    return { image, pixels, tags, cam, camHeight: 4, camWidth: 4, labels: labels! };
  };

  test("labels only with the image's tags; a negative becomes background", async () => {
    const [tagged, negative] = await compute.refine(round1, [refineExample([2]), refineExample([])]);
    for (const id of tagged!.labels) expect([0, 2]).toContain(id);
    expect(new Set(negative!.labels)).toEqual(new Set([0]));
    expect(tagged!.changed).toBeGreaterThanOrEqual(0);
  });

  test("says why it kept the old labels", async () => {
    const { specs, values } = compute.init(round1);
    const sizes = specs.map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    const head = specs.findIndex(({ name }) => name === "dfn/4/head/bias");
    const onlyBackground = values.slice();
    onlyBackground[sizes.slice(0, head).reduce((a, b) => a + b, 0)] = 50;
    compute.load(round1, onlyBackground);
    const [result] = await compute.refine(round1, [refineExample([1])]);
    expect(result).toMatchObject({ kept: "no foreground is left", changed: 0, labels: refineExample([1]).labels });
    compute.load(round1, values);
  });
});

describe("predict", () => {
  const { image, pixels } = squarePicture(4, [1]);

  test("answers at the photo's own size", async () => {
    const [result] = await compute.predict([{ image, pixels, width: 21, height: 13, allowed: null }]);
    expect(result!.labels).toHaveLength(21 * 13);
    for (const id of result!.labels) expect(id).toBeLessThanOrEqual(2);
  });

  test("keeps to the allowed classes; none allowed is background", async () => {
    const allowed = [[2], []].map((ids) => ({ image, pixels, width: 9, height: 9, allowed: ids }));
    const [one, none] = await compute.predict(allowed);
    for (const id of one!.labels) expect([0, 2]).toContain(id);
    expect(new Set(none!.labels)).toEqual(new Set([0]));
  });
});

test("a round that mines has a network of its own, which predicts until the other one is loaded", async () => {
  const mining = await tinyCompute({ ...tinyMethod, mining: { ...tinyMethod.mining, rounds: 1 } });
  const round2: TrainStage = { model: "segmenter", round: 2 };
  mining.load(classifier, mining.init(classifier).values);
  expect(mining.init(round1).specs.some(({ name }) => name === "linear/kernel")).toBe(true);
  expect(mining.init(round2).specs.some(({ name }) => name === "dfn/4/head/kernel")).toBe(true);
  mining.load(round1, mining.init(round1).values);
  const kernel = (await mining.gradients(job(round1, [0])))[0]!.values;
  expect(kernel).toHaveLength(mining.init(round1).values.length + 2);
  const { pixels } = squarePicture(4, [1]);
  const predicted = async () =>
    (await mining.predict([{ image: 4, pixels, width: 32, height: 32, allowed: null }]))[0]!.labels;
  expect(await predicted()).toHaveLength(32 * 32);
  mining.load(
    round2,
    mining.init(round2).values.map((value) => value + 0.1),
  );
  expect(await predicted()).toHaveLength(32 * 32);
  mining.dispose();
  expect(() => compute.init(round2)).not.toThrow();
});
