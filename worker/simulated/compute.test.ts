import { expect, test } from "vitest";
import { TreeAccumulator } from "../../shared/math/tree-sum.js";
import type { ComputeSetup, GradientJob, MicroBatch, TrainStage } from "../compute/contract.js";
import { isLaidOut, isWritten, progressFor } from "../compute/sum-progress.js";
import { squarePicture, tinyCompute, tinyMethod } from "../segmentation/testing.js";
import { SimulatedCompute } from "./compute.js";
import { specsOf } from "./engine.js";
import { faultOf, type SimulatedOptions } from "./options.js";

const setup: ComputeSetup = { method: tinyMethod, seed: 7, classes: ["horse", "zebra"], backbone: null };
const classifier: TrainStage = { model: "classifier", round: 0 };
const round1: TrainStage = { model: "segmenter", round: 1 };
const leafCount = 3;

function simulated(options: Partial<SimulatedOptions> = {}, paceKey = 1): SimulatedCompute {
  const compute = new SimulatedCompute({ imageMs: 0, jitter: 0, parameters: 0, fault: "", ...options }, setup, paceKey);
  for (const stage of [classifier, round1]) compute.load(stage, compute.init(stage).values);
  return compute;
}

const microBatch = (leaf: number): MicroBatch => ({ leaf, examples: [squarePicture(leaf, [1])] });
const leaves = [0, 1, 2];

function gradients(compute: SimulatedCompute, of: readonly number[], job: Partial<GradientJob> = {}) {
  return compute.gradients({ stage: round1, step: 4, leafCount, microBatches: of.map(microBatch), ...job });
}

/** Total of a step whose leaves were computed in these groups, each by a worker of its own. */
function total(groups: readonly (readonly number[])[]): Float32Array {
  const sums = new TreeAccumulator(leafCount);
  groups.forEach((group, i) => {
    for (const { node, values } of gradients(simulated({}, i), group)) sums.add(node, values);
  });
  return sums.total()!;
}

test("the sum of a step has the same bits however its micro-batches are grouped", () => {
  expect(total([[0], [1], [2]])).toEqual(total([leaves]));
  expect(total([[0, 1], [2]])).toEqual(total([leaves]));
});

test("sums lie in the memory that is given for them", () => {
  const length = simulated().init(round1).values.length + 2;
  const rooms = [new Float32Array(length), new Float32Array(length)];
  const [sum] = gradients(simulated(), [0, 1], { rooms });
  expect(sum!.values).toBe(rooms[sum!.room!]);
  expect(sum!.values).toEqual(gradients(simulated(), [0, 1])[0]!.values);
});

test("everything a gradient is a function of changes it", () => {
  const [plain] = gradients(simulated(), [0]);
  const other = (job: Partial<GradientJob>) => gradients(simulated(), [0], job)[0]!.values;
  const picture = squarePicture(0, [1]);
  const seen = (change: Partial<typeof picture>) => {
    return other({ microBatches: [{ leaf: 0, examples: [{ ...picture, ...change }] }] });
  };
  const variants = [
    other({ step: 5 }),
    gradients(simulated(), [1])[0]!.values,
    seen({ pixels: picture.pixels.slice().fill(3, 0, 1) }),
    seen({ labels: picture.labels!.slice().fill(2, 0, 1) }),
  ];
  const reloaded = simulated();
  reloaded.load(round1, reloaded.init(round1).values.fill(0.5, 0, 1));
  variants.push(gradients(reloaded, [0])[0]!.values);
  for (const values of variants) expect(values[0]).not.toBe(plain!.values[0]);
});

test("parameters are laid out as the real networks' are", async () => {
  const real = await tinyCompute();
  for (const stage of [classifier, round1]) {
    if (stage === round1) real.load(classifier, real.init(classifier).values);
    expect(specsOf(setup, stage, 0)).toEqual(real.init(stage).specs);
  }
  real.dispose();
});

test("results have the shapes of the method's", () => {
  const compute = simulated();
  const [seed] = compute.seeds([squarePicture(0, [1, 2])]);
  expect(seed).toMatchObject({ camHeight: 1, camWidth: 1, scores: [1, 1] });
  expect(seed!.cam).toHaveLength(2);
  const [refined] = compute.refine(round1, [{ ...squarePicture(0, [1]), ...seed!, labels: seed!.labels }]);
  expect(refined!.labels).toHaveLength(32 * 32);
  expect(refined!.changed).toBeGreaterThan(0);
  const asked = { image: 0, pixels: squarePicture(0, [1]).pixels, width: 20, height: 10, allowed: [2] };
  expect(new Set(compute.predict([asked])[0]!.labels)).toEqual(new Set([0, 2]));
});

test("a size that is asked for is the model's", () => {
  expect(simulated({ parameters: 1_000 }).init(round1).values).toHaveLength(1_000);
});

test("a fault shows in the stage it is meant for, and nowhere else", () => {
  expect(faultOf("lie@round-2")).toEqual({ kind: "lie", stage: "round-2" });
  expect(faultOf("")).toBeNull();
  const honest = gradients(simulated(), [0])[0]!.values;
  expect(gradients(simulated({ fault: "lie@round-2" }), [0])[0]!.values).toEqual(honest);
  expect(gradients(simulated({ fault: "lie@round-1" }), [0])[0]!.values[0]).not.toBe(honest[0]);
  expect(gradients(simulated({ fault: "nan" }), [0])[0]!.values[0]).toBeNaN();
});

test("says of a sum in given memory that it is written, but for its last part", () => {
  const length = simulated().init(round1).values.length + 2;
  const room = new Float32Array(length);
  const progress = progressFor(64);
  gradients(simulated(), [0], { rooms: [room], progress });
  const parts = progress.ends[0]!;
  expect(progress.ends[parts]).toBe(length);
  expect([isWritten(progress, 0, progress.ends[parts - 1]!), isWritten(progress, 0, length)]).toEqual([true, false]);
  const elsewhere = progressFor(64);
  gradients(simulated(), [0], { progress: elsewhere });
  expect(isLaidOut(elsewhere)).toBe(false);
});

test("memory of another length is left alone: a sum is as long as the model", () => {
  const room = new Float32Array(3);
  const [sum] = gradients(simulated(), [0], { rooms: [room] });
  expect(sum!.room).toBeUndefined();
  expect(sum!.values).toEqual(gradients(simulated(), [0])[0]!.values);
  expect([...room]).toEqual([0, 0, 0]);
});
