import { expect, test } from "vitest";
import { describePhase, isTraining, phaseKey, planRun } from "./plan.js";

const options = {
  classifier: { steps: 5, leafCount: 4 },
  segmenter: { steps: 7, leafCount: 2 },
  rounds: 2,
  trainShards: 3,
  valShards: 1,
};

test("a run is classifier, seeds, then per round training, refining, evaluating", () => {
  const lines = planRun(options).map((phase) => `${phaseKey(phase)}: ${phase.steps} steps, ${phase.units} units`);
  expect(lines).toEqual([
    "classify: 5 steps, 4 units",
    "seed: 0 steps, 3 units",
    "train-1: 7 steps, 2 units",
    "refine-1: 0 steps, 3 units",
    "evaluate-1: 0 steps, 1 units",
    "train-2: 7 steps, 2 units",
    "refine-2: 0 steps, 3 units",
    "evaluate-2: 0 steps, 1 units",
  ]);
});

test("the first rounds may mine: other steps, and no evaluation", () => {
  const mining = { rounds: 1, steps: 3, leafCount: 8 };
  const lines = planRun({ ...options, mining }).map((phase) => `${phaseKey(phase)}: ${phase.steps}, ${phase.units}`);
  expect(lines.slice(2)).toEqual([
    "train-1: 3, 8",
    "refine-1: 0, 3",
    "train-2: 7, 2",
    "refine-2: 0, 3",
    "evaluate-2: 0, 1",
  ]);
});

test("without validation there is nothing to evaluate", () => {
  expect(planRun({ ...options, valShards: 0 }).some(({ kind }) => kind === "evaluate")).toBe(false);
});

test("phases have names for people, and only two kinds train", () => {
  const phases = planRun(options);
  expect(phases.slice(0, 5).map(describePhase)).toEqual([
    "classifier",
    "seeding",
    "round 1 training",
    "round 1 refining",
    "round 1 evaluating",
  ]);
  expect(phases.filter(isTraining).map(phaseKey)).toEqual(["classify", "train-1", "train-2"]);
});
