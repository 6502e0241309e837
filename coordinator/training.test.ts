import { describe, expect, test } from "vitest";
import { bytesOf, float32Of } from "../shared/codec/digest.js";
import { MemoryBlobs } from "../shared/net/blobs.js";
import { StageTrainer } from "./training.js";

const specs = [{ name: "w", shape: [3], learningRateScale: 1, weightDecay: false }];
const options = {
  steps: 4,
  learningRate: 0.1,
  warmupSteps: 0,
  schedulePower: 0,
  weightDecay: 0,
  leafCount: 2,
};

function trainer() {
  const blobs = new MemoryBlobs();
  return { blobs, trainer: new StageTrainer(specs, bytesOf(Float32Array.of(1, 2, 3)), options, blobs) };
}

/** Sum over a node: gradient, loss sum, weight. */
function sum(name: string, gradient: readonly number[], loss: number, images: number) {
  return { name, bytes: bytesOf(Float32Array.of(...gradient, loss, images)) };
}

describe("a step", () => {
  test("divides the sums by the number of images, moves against the gradient, and reports the mean loss", () => {
    const { trainer: stage } = trainer();
    stage.accept([sum("0:0", [4, 0, -4], 6, 2)]);
    stage.accept([sum("0:1", [4, 0, -4], 2, 2)]);
    const { loss, weightsDigest } = stage.apply(0);
    expect(loss).toBe(2);
    // AdamW's first step has the length of the learning rate, whatever the gradient's.
    expect([...float32Of(stage.bytes)].map((value) => Number(value.toFixed(4)))).toEqual([0.9, 2, 3.1]);
    expect(stage.weightsDigest).toBe(weightsDigest);
  });

  test("gives the same bits for one sum of both halves as for the halves in any order", () => {
    const whole = trainer().trainer;
    whole.accept([sum("1:0", [3, 1, 2], 8, 4)]);
    const halves = trainer().trainer;
    halves.accept([sum("0:1", [1, 0, 1], 3, 2)]);
    halves.accept([sum("0:0", [2, 1, 1], 5, 2)]);
    expect(halves.apply(0)).toEqual(whole.apply(0));
  });

  test("publishes the new parameters and takes the old ones back", () => {
    const { blobs, trainer: stage } = trainer();
    const before = stage.weightsDigest;
    expect([...float32Of(blobs.peek(before)!)]).toEqual([1, 2, 3]);
    stage.accept([sum("1:0", [1, 1, 1], 1, 1)]);
    const { weightsDigest } = stage.apply(0);
    expect(blobs.peek(before)).toBeNull();
    expect(blobs.peek(weightsDigest)).toEqual(Uint8Array.from(stage.bytes));
  });
});

describe("what cannot be", () => {
  test("a sum that is counted already", () => {
    const { trainer: stage } = trainer();
    stage.accept([sum("0:0", [1, 1, 1], 1, 1)]);
    expect(() => stage.accept([sum("0:0", [1, 1, 1], 1, 1)])).toThrow("node 0:0 is counted once");
  });

  test("a sum of another model, or without a node's name", () => {
    const { trainer: stage } = trainer();
    expect(() => stage.accept([sum("0:0", [1], 1, 1)])).toThrow("3 + 2 numbers");
    expect(() => stage.accept([sum("params", [1, 1, 1], 1, 1)])).toThrow('"params" names a tree node');
  });

  test("an update before every micro-batch is in", () => {
    expect(() => trainer().trainer.apply(0)).toThrow("every leaf");
  });
});

describe("a checkpoint", () => {
  const steps = [0, 1, 2, 3];
  const train = (stage: StageTrainer, from: number, to: number) => {
    for (const step of steps.slice(from, to)) {
      stage.accept([sum("1:0", [1 + step, -2, 0.1 * step], 3, 2)]);
      stage.apply(step);
    }
    return stage;
  };

  test("of weights, moments and step goes on to the same bits as a run that was never cut", () => {
    const whole = train(trainer().trainer, 0, 4).weightsDigest;
    const { values, optimizer } = train(trainer().trainer, 0, 2).state;
    const resumed = new StageTrainer(specs, values.slice(), options, new MemoryBlobs(), optimizer);
    expect(train(resumed, 2, 4).weightsDigest).toBe(whole);
    // Without the moments it would not.
    const amnesiac = new StageTrainer(specs, values.slice(), options, new MemoryBlobs());
    expect(train(amnesiac, 2, 4).weightsDigest).not.toBe(whole);
  });
});

describe("a result is refused", () => {
  const leaves = { first: 0, end: 2 };
  const inspect = (name: string, values: readonly number[]) => {
    return trainer().trainer.inspect([{ name, bytes: bytesOf(Float32Array.from(values)) }], leaves);
  };

  test("unless it has the sums it was asked for, whole and finite", () => {
    expect(inspect("1:0", [1, 2, 3, 4, 5])).toBeNull();
    expect(inspect("0:0", [1, 2, 3, 4, 5])).toEqual({ reason: "it has the sums 0:0, not 1:0", isNumeric: false });
    expect(inspect("1:0", [1, 2, 3])).toMatchObject({ reason: "sum 1:0 has 12 bytes, not 20", isNumeric: false });
    expect(inspect("1:0", [1, Number.NaN, 3, 4, 5])).toEqual({
      reason: "sum 1:0 is not finite at 1 of 5",
      isNumeric: true,
    });
    expect(inspect("1:0", [1, 2, Number.POSITIVE_INFINITY, 4, 5])).toMatchObject({ isNumeric: true });
  });
});
