import { describe, expect, test } from "vitest";
import { aheadWorkersMax } from "../shared/limits.js";
import { atStep, type Exchange } from "./core/exchange-state.js";
import type { Phase } from "./core/plan.js";
import { aheadOf, applyJob, exchangeOf, reduceJob } from "./exchange-requests.js";
import type { StageFacts } from "./sharded-training.js";

const leafCount = 16;
const parameters = 3_500_000;
const phase: Phase = { kind: "train", round: 2, steps: 9, units: leafCount };
const stage: StageFacts = {
  specsDigest: "specs",
  point: [{ name: "values", digest: "v", bytes: 4 }],
  sumLength: parameters + 2,
  hashSums: false,
  keptAfter: (step) => (step === 8 ? ["average"] : []),
};
const ids = (count: number) => Array.from({ length: count }, (_, i) => `w${i}`);

/** So many workers, with equal runs of micro-batches and a slice each. */
function facts(count: number, changes: Partial<Exchange> = {}) {
  const run = Math.floor(leafCount / count);
  const sums = ids(count).map((workerId, i) => ({
    ...{ workerId, assignmentId: `work-${i}` },
    ...{ first: i * run, end: (i + 1) * run },
  }));
  const exchange = { ...atStep(null, ids(count), 0), sums, owners: ids(count), ...changes };
  const expected = { owners: ids(count), sums };
  return { exchange, stage, expected, addressOf: (workerId: string) => `${workerId}:7000` };
}

function order(workerId: string, unit: number) {
  return { assignment: { id: "a", workerId, first: unit, end: unit + 1, startedAtMs: 0 }, phase };
}

/** Bytes that a worker pulls in a step. */
function pulledBy(index: number, count: number): number {
  const { reduce } = reduceJob(order(`w${index}`, index), facts(count));
  const { apply } = applyJob(3, facts(count));
  const summands = reduce!.summands!.filter(({ peer }) => peer!.workerId !== `w${index}`).length;
  const slices = apply!.slices!.filter(({ peer }) => peer!.workerId !== `w${index}`);
  const floats = summands * (Number(reduce!.end) - Number(reduce!.first));
  return 4 * slices.reduce((sum, { first, end }) => sum + Number(end) - Number(first), floats);
}

describe("what a worker pulls in a step", () => {
  test.each([1, 2, 4, 8, 16])(
    "with %i workers is 2(N-1)/N of the parameters, within one part in a thousand",
    (count) => {
      const ideal = ((2 * (count - 1)) / count) * parameters * 4;
      for (let i = 0; i < count; i++) expect(Math.abs(pulledBy(i, count) - ideal)).toBeLessThanOrEqual(ideal / 1000);
    },
  );

  test("is every number of the sum once", () => {
    const slices = applyJob(0, facts(8)).apply!.slices!;
    expect(slices[0]!.first).toBe(0);
    expect(slices.at(-1)!.end).toBe(parameters + 2);
    expect(slices.slice(1).map(({ first }) => first)).toEqual(slices.slice(0, -1).map(({ end }) => end));
  });
});

describe("the model of a step", () => {
  test("comes from the other workers that have it, beginning with another one for each", () => {
    const holders = (unit: number) =>
      exchangeOf(order("w0", unit), 3, facts(4)).holders!.map(({ workerId }) => workerId);
    expect(holders(0)).toEqual(["w1", "w2", "w3"]);
    expect(holders(2)).toEqual(["w3", "w1", "w2"]);
    expect(exchangeOf(order("w0", 0), 3, facts(4))).toMatchObject({ phase: "train-2", point: [] });
  });

  test("comes from the coordinator while nobody else has it", () => {
    const { holders, point } = exchangeOf(order("w0", 0), 3, facts(2, { inStep: [], pointStep: 3 }));
    expect([holders, point]).toEqual([[], stage.point]);
  });
});

test("an update after which something is kept says what", () => {
  expect(applyJob(8, facts(2)).apply!.hash).toEqual(["average"]);
  expect(applyJob(7, facts(2)).apply!.hash).toEqual([]);
});

describe("what a worker is told while it computes", () => {
  test.each([2, 3, 16])("with %i workers is what it will be asked to add up, but for its own sums", (count) => {
    const told = facts(count, {});
    const [unit, workerId] = [count - 1, `w${count - 1}`];
    const { reduce } = reduceJob(order(workerId, unit), told);
    const { first, end, length, sums } = aheadOf(order(workerId, 0), told)!;
    expect({ first, end, length }).toEqual({ first: reduce!.first, end: reduce!.end, length: reduce!.length });
    const named = sums!.flatMap(({ peer, key, nodes }) => nodes!.map((node) => ({ node, peer, key })));
    expect(named).toEqual(reduce!.summands!.filter(({ peer }) => peer!.workerId !== workerId));
  });

  test("is nothing where it has all, or will have no slice", () => {
    expect(aheadOf(order("w0", 0), facts(1))).toBeNull();
    expect(aheadOf(order("late", 0), facts(2))).toBeNull();
    expect(aheadOf(order("w0", 0), { ...facts(2), expected: null })).toBeNull();
  });

  test("names work in the order to add up for as many workers as were told of it", () => {
    const keys = (count: number) => {
      return reduceJob(order("w0", 0), { ...facts(16), exchange: { ...facts(16).exchange, owners: ids(count) } });
    };
    expect(keys(aheadWorkersMax).reduce!.summands![3]!.key).toBe("work-3");
    expect(keys(aheadWorkersMax + 1).reduce!.summands![3]!.key).toBeUndefined();
  });
});
