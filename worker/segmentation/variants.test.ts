/** Every variant of the method that the configuration offers, end to end on tiny pictures. */
import { describe, expect, test } from "vitest";
import { type MethodOverrides, methodConfigSchema } from "../../shared/config/method.js";
import { Rng } from "../../shared/rng.js";
import type { Compute, GradientJob, TrainStage } from "../compute/contract.js";
import { cropLabels, cropMap } from "./augment.js";
import { BatchRoom } from "./batch-room.js";
import { Programs } from "./compiled.js";
import { seedLabels } from "./labels.js";
import { pamrInArrays } from "./refinement.js";
import { predictImage } from "./stages.js";
import { cutPhoto, SuperpixelCache } from "./superpixels/cut.js";
import { regionMeans, renumber } from "./superpixels/superpixels.js";
import { plainTf, squarePicture, tinyCompute, tinyMethod } from "./testing.js";
import { powerCut } from "./threshold.js";
import { boxsupLabels, mcofLabels } from "./updaters/relabel.js";

const classifier: TrainStage = { model: "classifier", round: 0 };
const round1: TrainStage = { model: "segmenter", round: 1 };

async function computeWith(overrides: MethodOverrides): Promise<Compute> {
  const merged = Object.fromEntries(
    Object.entries(tinyMethod).map(([key, value]) => {
      const own = overrides[key as keyof MethodOverrides];
      return [key, typeof own === "object" ? { ...(value as object), ...own } : (own ?? value)];
    }),
  );
  const compute = await tinyCompute(methodConfigSchema.parse(merged));
  compute.load(classifier, compute.init(classifier).values);
  compute.load(round1, compute.init(round1).values);
  return compute;
}

const microBatch = { leaf: 0, examples: [squarePicture(0, [1]), squarePicture(1, [1, 2])] };
const job: GradientJob = { stage: round1, step: 1, leafCount: 1, microBatches: [microBatch] };

async function gradient(compute: Compute): Promise<Float32Array> {
  return (await compute.gradients(job))[0]!.values;
}

/** Plain steps down the gradient on one micro-batch; the loss before and after. */
async function descend(compute: Compute, steps: number, rate: number): Promise<[number, number]> {
  const { values } = compute.init(round1);
  let sums = await gradient(compute);
  const before = sums.at(-2)!;
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < values.length; i++) values[i] = values[i]! - rate * sums[i]!;
    compute.load(round1, values.slice());
    sums = await gradient(compute);
  }
  return [before, sums.at(-2)!];
}

const slic = { method: "slic", count: 16 } as const;

describe.each<[string, MethodOverrides]>([
  ["fcn32", { segmenter: { network: "fcn32" } }],
  ["fcn16", { segmenter: { network: "fcn16" } }],
  ["fcn8", { segmenter: { network: "fcn8" } }],
  ["capsule", { segmenter: { network: "capsule" } }],
  ["Border Network", { segmenter: { borderWeight: 0.1 } }],
  ["balanced loss", { segmenter: { loss: "balanced" } }],
  ["soft labels, collision loss", { segmenter: { loss: "collision", softLabels: 0.5 }, superpixels: slic }],
  ["soft labels, confidence", { segmenter: { loss: "confidence", softLabels: 0.5 } }],
  ["pairwise loss", { segmenter: { pairwiseWeight: 1 } }],
  ["RegionNet", { refine: { updater: "mcof" } }],
])("%s", (_, overrides) => {
  test("has a gradient with the same bits elsewhere, leaves no tensor behind, and learns", async () => {
    const [compute, other] = [await computeWith(overrides), await computeWith(overrides)];
    const sums = await gradient(compute);
    expect(sums.every(Number.isFinite)).toBe(true);
    expect(sums).toHaveLength(compute.init(round1).values.length + 2);
    const { tensors, bytes } = compute.stats();
    const [before, after] = await descend(other, 3, 0.02);
    expect(after).toBeLessThan(before);
    expect(before).toBe(sums.at(-2));
    expect(await gradient(compute)).toEqual(sums);
    expect(compute.stats()).toEqual({ tensors, bytes });
    compute.dispose();
    other.dispose();
  });
});

describe("updaters", () => {
  const refineExample = (image: number, tags: readonly number[]) => {
    const { pixels, labels } = squarePicture(image, tags);
    const cam = new Uint8Array(4 * 4 * tags.length);
    for (const cell of [5, 6, 9, 10]) cam.fill(255, cell * tags.length, (cell + 1) * tags.length);
    return { image, pixels, tags, cam, camHeight: 4, camWidth: 4, labels: labels! };
  };
  const examples = [refineExample(0, [1]), refineExample(1, [1, 2]), refineExample(2, [])];

  test.each<[string, MethodOverrides]>([
    ["boxsup", { refine: { updater: "boxsup", shrinkMin: 0, anchorMin: 0 } }],
    ["mcof", { refine: { updater: "mcof", shrinkMin: 0, anchorMin: 0 } }],
    ["feedback with votes", { refine: { vote: true, shrinkMin: 0, anchorMin: 0 } }],
  ])("%s labels with the image's tags, the same again and alone", async (_name, overrides) => {
    const [compute, other] = [await computeWith(overrides), await computeWith(overrides)];
    const together = await compute.refine(round1, examples);
    together.forEach(({ labels }, i) => {
      for (const id of labels) expect([0, ...examples[i]!.tags]).toContain(id);
    });
    expect(together[2]!.labels.every((id) => id === 0)).toBe(true);
    expect(await other.refine(round1, [examples[1]!])).toEqual([together[1]]);
    compute.dispose();
    other.dispose();
  });

  test("boxsup's masks are unions of superpixels of one size", () => {
    const { pixels, labels: square } = squarePicture(0, [1]);
    const scores = Float32Array.from(square!, (id, i) => (id === 1 ? 0.8 : 0.1) + (i % 7) / 50);
    const input = { pixels, size: 32, tags: [1], scores, old: square!, cam: scores.map((value) => value * 255) };
    const mask = boxsupLabels(input, tinyMethod, new Rng("boxsup", 1));
    const unions = [0.5, 1, 2].map((scale) => {
      const cut = cutPhoto(pixels, 32, tinyMethod.superpixels, scale);
      return regionMeans(mask, 1, cut).every((share) => share === 0 || share === 1);
    });
    expect(mask).toContain(1);
    expect(unions).toContain(true);
  });

  test("guards stand after every updater", async () => {
    for (const updater of ["boxsup", "mcof"] as const) {
      const compute = await computeWith({ refine: { updater, shrinkMin: 1 } });
      const full = { ...examples[0]!, labels: new Uint8Array(32 * 32).fill(1) };
      const [result] = await compute.refine(round1, [full]);
      if (result!.kept === null) expect(result!.labels).toEqual(full.labels);
      else expect(result).toMatchObject({ labels: full.labels, changed: 0 });
      compute.dispose();
    }
  });
});

test.each<[string, MethodOverrides]>([
  ["Grad-CAM", { cam: { kind: "grad" } }],
  ["power rule", { seeds: { rule: "power" } }],
  ["votes", { seeds: { vote: true } }],
])("seeds by %s: only the image's tags", async (_, overrides) => {
  const compute = await computeWith(overrides);
  const seed = (await compute.seeds([squarePicture(3, [2])]))[0]!;
  for (const id of seed.labels) expect([0, 2, 255]).toContain(id);
  expect(Math.max(...seed.cam)).toBeGreaterThan(200);
  compute.dispose();
});

test.each([4, 24])("the power rule's cut is where score and background meet (alpha %i)", (alpha) => {
  const cut = powerCut(alpha);
  expect((1 - cut) ** alpha).toBeCloseTo(cut, 9);
});

test("the power rule: class above the low alpha's cut, background below the high one's, open between", () => {
  const seeds = { ...tinyMethod.seeds, rule: "power" } as const;
  const cam = Float32Array.of(1, 0.3, 0.25, 0.12, 0.08, 0);
  expect([...seedLabels(cam, [2], seeds)]).toEqual([2, 2, 255, 255, 0, 0]);
});

test("superpixels go through the same crop as the labels", () => {
  const { image, pixels } = squarePicture(0, [1]);
  const labels = Uint8Array.from({ length: 32 * 32 }, (_, i) => i % 251);
  const crop = { x: 3.4, y: 7.8, side: 20.3, mirrored: true };
  const cropped = new Int32Array(16 * 16);
  cropLabels({ image, pixels, tags: [1], labels }, 32, crop, 16, cropped);
  expect(cropMap(Int32Array.from(labels), 32, crop, 16)).toEqual(cropped);
});

test("a photo is cut once, and coarser cuts have fewer regions", () => {
  const { pixels } = squarePicture(0, [1]);
  for (const method of ["felzenszwalb", "slic"] as const) {
    const config = { ...tinyMethod.superpixels, method, count: 64 };
    const cache = new SuperpixelCache(config);
    const cut = cache.of(7, pixels, 32);
    expect(cache.of(7, pixels, 32)).toBe(cut);
    expect(cut).toEqual(cutPhoto(pixels, 32, config));
    expect(cutPhoto(pixels, 32, config, 4).count).toBeLessThan(cut.count);
  }
});

describe("mcof's labels", () => {
  // A red square on green, in two regions; the network is right about both, the RegionNet only about the second.
  const side = 16;
  const inside = (i: number) => Math.min(i % side, i >> 4, 15 - (i % side), 15 - (i >> 4)) >= 4;
  const pixels = Uint8Array.from({ length: side * side * 3 }, (_, at) => {
    const [i, k] = [Math.floor(at / 3), at % 3];
    return k === (inside(i) ? 0 : 1) ? 200 : 40;
  });
  const cut = renumber(
    Int32Array.from({ length: side * side }, (_, i) => (inside(i) ? 1 : 0)),
    side,
    side,
  );
  const input = {
    pixels,
    size: side,
    tags: [1],
    scores: Float32Array.from({ length: side * side }, (_, i) => (inside(i) ? 0.8 : 0.3)),
    old: new Uint8Array(side * side),
    cam: new Float32Array(side * side),
  };
  const square = Uint8Array.from({ length: side * side }, (_, i) => (inside(i) ? 1 : 0));

  test.each([0.25, null])("follow the mean of network and RegionNet, region by region (saliency %o)", (saliency) => {
    expect(mcofLabels(input, cut, Float32Array.of(0.2, 0.6), saliency)).toEqual(square);
  });

  test("the RegionNet can outvote the network, where colours have no say", () => {
    const labels = mcofLabels(input, cut, Float32Array.of(0.9, 0), null);
    expect(labels).toEqual(square.map((is) => 1 - is));
  });
});

test("a CRF at prediction cuts a halo off", async () => {
  const tf = await plainTf();
  const { image, pixels, labels } = squarePicture(4, [1]);
  // The square is cells 2..5 of 8; the network claims cells 1..6, less surely around it.
  const logits = Float32Array.from({ length: 8 * 8 * 2 }, (_, at) => {
    const [x, y] = [(at >> 1) % 8, at >> 4];
    const depth = Math.min(x, y, 7 - x, 7 - y);
    return at % 2 === 0 ? 0 : [-2, 0.3, 2, 2][depth]!;
  });
  const network = { logits: () => [tf.tensor4d(logits, [1, 8, 8, 2])], defs: [], border: null, regions: null };
  const backbone = { taps: () => [], channels: [], defs: [], variables: new Map(), frozen: true, dispose: () => {} };
  const wrong = async (iterations: number) => {
    const predict = { flip: false, crf: { iterations, placeSigma: 4, colourSigma: 40 } };
    const method = methodConfigSchema.parse({
      imageSize: 32,
      pamr: { size: 32 },
      finePamr: { iterations: 0 },
      predict,
    });
    const superpixels = new SuperpixelCache(method.superpixels);
    const [programs, room] = [new Programs(tf, null), new BatchRoom()];
    const none = { params: () => tf.scalar(0), tensors: [], programs, room, pamrBy: pamrInArrays };
    const parts = { tf, method, backbone, network, ...none, classCount: 1, seed: 0, superpixels };
    const result = await predictImage(parts, { image, pixels, width: 32, height: 32, allowed: null });
    return result.labels.reduce((sum, id, i) => sum + (id === labels![i] ? 0 : 1), 0);
  };
  const before = await wrong(0);
  expect(before).toBeGreaterThan(80);
  expect(await wrong(5)).toBeLessThan(before / 4);
});
