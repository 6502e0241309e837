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
