import { describe, expect, test } from "vitest";
import { quickMethods, scratchMethod } from "../shared/config/presets.js";
import { resolveConfig } from "../shared/config/resolve.js";
import { runConfigSchema, runEnvPrefix } from "./config.js";

function resolve(sets: readonly string[], base: Record<string, unknown> = {}) {
  return resolveConfig(runConfigSchema, runEnvPrefix, { base, env: {}, sets: ["cluster.sync=local", ...sets] });
}

describe("local steps", () => {
  test("fit every preset as they are", () => {
    for (const method of [{}, scratchMethod, quickMethods.scratch, quickMethods.pretrained]) {
      expect(resolve([], { method }).cluster.localSteps).toBe(16);
    }
  });

  test.each([
    [
      ["cluster.topology=sharded"],
      'cluster.topology = "sharded": sums the gradients of every step, which cluster.sync local has none of: use star',
    ],
    [
      ["cluster.localReplicas=3"],
      "method.segmenter.microBatches: 4 micro-batches cannot be divided equally among cluster.localReplicas = 3",
    ],
    [["cluster.localSteps=150"], "cluster.localSteps = 150: is more than the 100 steps of method.mining"],
    [["cluster.localSteps=0"], "cluster.localSteps = 0"],
    [["cluster.outerLearningRate=0"], "cluster.outerLearningRate = 0"],
    [["cluster.outerMomentum=1"], "cluster.outerMomentum = 1"],
  ])("with %s are refused by name", (sets, message) => {
    expect(() => resolve(sets)).toThrow(message);
  });

  test("ask nothing of stages that are not trained", () => {
    expect(() => resolve(["cluster.localSteps=150", "method.mining.rounds=0"])).not.toThrow();
  });
});

test("bfloat16 with a network that is not compiled is refused by name", () => {
  expect(() => resolve(["method.math=bf16"])).not.toThrow();
  expect(() => resolve(["method.math=bf16", "method.refine.updater=mcof"])).toThrow(
    'method.math = "bf16": is for steps of one shape, which refine.updater mcof has none of',
  );
});
