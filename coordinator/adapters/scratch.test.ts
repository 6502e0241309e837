import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Floats, MemoryFloats, pageFloats, pagesOf } from "../../shared/aggregate/floats.js";
import { bytesOf } from "../../shared/codec/digest.js";
import { MemoryBlobs } from "../../shared/net/blobs.js";
import { adamwState, StageTrainer, steppingModel } from "../training.js";
import { RunStore } from "./run-store.js";
import { Scratch } from "./scratch.js";

const dir = mkdtempSync(join(tmpdir(), "seedgrow-scratch-"));
afterAll(async () => {
  await onDisk.close();
  rmSync(dir, { recursive: true });
});

const count = 2 * pageFloats + 3;
const specs = [
  { name: "w", shape: [count - 5], learningRateScale: 1, weightDecay: true },
  { name: "b", shape: [5], learningRateScale: 0.1, weightDecay: false },
];
const schedule = { learningRate: 0.1, warmupSteps: 1, schedulePower: 0.9, weightDecay: 0.01, emaDecay: 0.7 };
const options = { ...schedule, steps: 4, leafCount: 3 };
const onDisk = new Scratch(join(dir, "scratch"), 0);
const inMemory = new Scratch(join(dir, "never"), 1e9);

function numbers(length: number, salt: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => (((i * 7919 + salt * 104_729) % 2003) - 1000) / 997);
}

async function holding(scratch: Scratch, values: Float32Array): Promise<Floats> {
  const floats = await scratch.floats(values.length);
  for (const [at, end] of pagesOf(values.length)) {
    const page = await floats.page(at, end);
    page.set(values.subarray(at, end));
    await floats.put(at, page);
  }
  return floats;
}

async function begin(scratch: Scratch): Promise<StageTrainer> {
  const [optimizer, average] = [await scratch.moments(count), await scratch.floats(count)];
  const state = { values: bytesOf(numbers(count, 0)), optimizer, average };
  return new StageTrainer(specs, steppingModel(specs, state, options), options.leafCount, new MemoryBlobs());
}

async function train(stage: StageTrainer, scratch: Scratch, steps: readonly number[], order = [0, 1, 2]) {
  for (const step of steps) {
    const sums = order.map(async (leaf) => {
      const values = numbers(count + 2, 10 * step + leaf + 1);
      values[count + 1] = 4;
      return { name: `0:${leaf}`, floats: await holding(scratch, values) };
    });
    stage.accept(await Promise.all(sums));
    await stage.apply(step);
  }
  return stage.weightsDigest;
}

describe("training with gradients and moments on disk", () => {
  test("gives the bits of training in memory, in whatever order sums arrive", async () => {
    const [disk, memory] = [await begin(onDisk), await begin(inMemory)];
    expect(await train(disk, onDisk, [0, 1, 2], [2, 0, 1])).toBe(await train(memory, inMemory, [0, 1, 2]));
    const student = memory.weightsDigest;
    for (const stage of [disk, memory]) await stage.finish();
    expect(disk.weightsDigest).toBe(memory.weightsDigest);
    // The average over the steps is the model, not the last step.
    expect(memory.weightsDigest).not.toBe(student);
  });

  test("goes on from a checkpoint of either kind, on either kind", async () => {
    const uncut = await begin(inMemory);
    await train(uncut, inMemory, [0, 1, 2, 3]);
    await uncut.finish();
    for (const [i, [from, to]] of [[onDisk, inMemory] as const, [inMemory, onDisk] as const].entries()) {
      const store = new RunStore(join(dir, `run-${i}`));
      const half = await begin(from);
      await train(half, from, [0, 1]);
      await store.writeTrainingPoint({ phase: "train-1", nextStep: 2, specs, losses: [[0, 1]], state: half.state }, []);
      const point = (await store.readTrainingPoint("train-1", to, () => undefined))!;
      const model = steppingModel(point.specs, adamwState(point.state), options);
      const resumed = new StageTrainer(point.specs, model, options.leafCount, new MemoryBlobs());
      await train(resumed, to, [2, 3]);
      await resumed.finish();
      expect(resumed.weightsDigest).toBe(uncut.weightsDigest);
    }
  });

  test("keeps no file by name: nothing is left behind, however the process ends", async () => {
    const floats = await holding(onDisk, numbers(count, 1));
    expect(readdirSync(join(dir, "scratch"))).toEqual([]);
    expect((await floats.page(pageFloats, pageFloats + 2))[1]).toBe(numbers(count, 1)[pageFloats + 1]);
    await floats.close();
    expect(readdirSync(dir)).not.toContain("never");
  });

  test("finds what is not a number on any page", async () => {
    const stage = await begin(onDisk);
    const values = numbers(count + 2, 1);
    values[pageFloats + 7] = Number.NaN;
    const sums = [{ name: "2:0", floats: await holding(onDisk, values) }];
    const reason = `sum 2:0 is not finite at ${pageFloats + 7} of ${count + 2}`;
    expect(await stage.inspect(sums, { first: 0, end: 3 })).toEqual({ reason, isNumeric: true });
  });
});

test("a page of memory is a view: no copy of a small model", async () => {
  const values = new Float32Array(4);
  (await new MemoryFloats(values).page(1, 3)).fill(7);
  expect([...values]).toEqual([0, 7, 7, 0]);
});
