import { describe, expect, test } from "vitest";
import { MemoryFloats } from "../shared/aggregate/floats.js";
import { bytesOf, float32Of } from "../shared/codec/digest.js";
import { MemoryBlobs } from "../shared/net/blobs.js";
import { adamwState, StageTrainer, steppingModel } from "./training.js";

const specs = [{ name: "w", shape: [3], learningRateScale: 1, weightDecay: false }];
const options = {
  steps: 4,
  learningRate: 0.1,
  warmupSteps: 0,
  schedulePower: 0,
  weightDecay: 0,
  emaDecay: 0,
  leafCount: 2,
};

const floats = (...values: number[]) => new MemoryFloats(Float32Array.from(values));

function start() {
  const optimizer = { steps: 0, first: floats(0, 0, 0), second: floats(0, 0, 0) };
  return { values: bytesOf(Float32Array.of(1, 2, 3)), optimizer, average: null };
}

function trainer() {
  const blobs = new MemoryBlobs();
  return { blobs, trainer: new StageTrainer(specs, steppingModel(specs, start(), options), options.leafCount, blobs) };
}

/** Sum over a node: gradient, loss sum, weight. */
function sum(name: string, gradient: readonly number[], loss: number, images: number) {
  return { name, floats: floats(...gradient, loss, images) };
}

describe("a step", () => {
  test("divides the sums by the number of images, moves against the gradient, and reports the mean loss", async () => {
    const { trainer: stage } = trainer();
    stage.accept([sum("0:0", [4, 0, -4], 6, 2)]);
    stage.accept([sum("0:1", [4, 0, -4], 2, 2)]);
    const { loss, weightsDigest } = await stage.apply(0);
    expect(loss).toBe(2);
    // AdamW's first step has the length of the learning rate, whatever the gradient's.
    expect([...float32Of(stage.bytes)].map((value) => Number(value.toFixed(4)))).toEqual([0.9, 2, 3.1]);
    expect(stage.weightsDigest).toBe(weightsDigest);
  });

  test("gives the same bits for one sum of both halves as for the halves in any order", async () => {
    const whole = trainer().trainer;
    whole.accept([sum("1:0", [3, 1, 2], 8, 4)]);
    const halves = trainer().trainer;
    halves.accept([sum("0:1", [1, 0, 1], 3, 2)]);
    halves.accept([sum("0:0", [2, 1, 1], 5, 2)]);
    expect(await halves.apply(0)).toEqual(await whole.apply(0));
  });

  test("publishes the new parameters and takes the old ones back", async () => {
    const { blobs, trainer: stage } = trainer();
    const before = stage.weightsDigest;
    expect([...float32Of(blobs.peek(before)!)]).toEqual([1, 2, 3]);
    stage.accept([sum("1:0", [1, 1, 1], 1, 1)]);
    const { weightsDigest } = await stage.apply(0);
    expect(blobs.peek(before)).toBeNull();
    expect(blobs.peek(weightsDigest)).toEqual(Uint8Array.from(stage.bytes));
  });
});

describe("what cannot be", () => {
  test("a sum that is counted already", async () => {
    const { trainer: stage } = trainer();
    stage.accept([sum("0:0", [1, 1, 1], 1, 1)]);
    expect(() => stage.accept([sum("0:0", [1, 1, 1], 1, 1)])).toThrow("node 0:0 is counted once");
  });

  test("a sum of another model, or without a node's name", async () => {
    const { trainer: stage } = trainer();
    expect(() => stage.accept([sum("0:0", [1], 1, 1)])).toThrow("3 + 2 numbers");
    expect(() => stage.accept([sum("params", [1, 1, 1], 1, 1)])).toThrow('"params" names a tree node');
  });

  test("an update before every micro-batch is in", async () => {
    return expect(trainer().trainer.apply(0)).rejects.toThrow("every leaf");
  });
});

describe("a checkpoint", () => {
  const steps = [0, 1, 2, 3];
  const train = async (stage: StageTrainer, from: number, to: number) => {
    for (const step of steps.slice(from, to)) {
      stage.accept([sum("1:0", [1 + step, -2, 0.1 * step], 3, 2)]);
      await stage.apply(step);
    }
    return stage;
  };

  test("of weights, moments and step goes on to the same bits as a run that was never cut", async () => {
    const whole = (await train(trainer().trainer, 0, 4)).weightsDigest;
    const { values, optimizer, average } = adamwState((await train(trainer().trainer, 0, 2)).state);
    const resume = (state: Parameters<typeof steppingModel>[1]) => {
      return new StageTrainer(specs, steppingModel(specs, state, options), options.leafCount, new MemoryBlobs());
    };
    const resumed = await train(resume({ values: values.slice(), optimizer, average }), 2, 4);
    expect(resumed.weightsDigest).toBe(whole);
    // Without the moments it would not.
    const amnesiac = await train(resume({ ...start(), values: values.slice() }), 2, 4);
    expect(amnesiac.weightsDigest).not.toBe(whole);
  });
});

describe("a result is refused", () => {
  const leaves = { first: 0, end: 2 };
  const inspect = (name: string, values: readonly number[]) => {
    return trainer().trainer.inspect([{ name, floats: floats(...values) }], leaves);
  };

  test("unless it has the sums it was asked for, whole and finite", async () => {
    expect(await inspect("1:0", [1, 2, 3, 4, 5])).toBeNull();
    expect(await inspect("0:0", [1, 2, 3, 4, 5])).toEqual({ reason: "it has the sums 0:0, not 1:0", isNumeric: false });
    expect(await inspect("1:0", [1, 2, 3])).toMatchObject({ reason: "sum 1:0 has 3 numbers, not 5", isNumeric: false });
    expect(await inspect("1:0", [1, Number.NaN, 3, 4, 5])).toEqual({
      reason: "sum 1:0 is not finite at 1 of 5",
      isNumeric: true,
    });
    expect(await inspect("1:0", [1, 2, Number.POSITIVE_INFINITY, 4, 5])).toMatchObject({ isNumeric: true });
  });
});
