/**
 * A mining round that does not converge is refused, in a run of real processes: the round after it learns the labels of
 * the round before. The engine is simulated: its masks are as far from each other in every round.
 */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { StageRecord } from "../../shared/data/run-record.js";
import { Workplace } from "../support/seedgrow.js";

const work = new Workplace();
beforeAll(() => {
  vi.stubEnv("SEEDGROW_WORKER_ENGINE", "simulated");
  vi.stubEnv("SEEDGROW_WORKER_SIMULATED_IMAGE_MS", "0");
  return work.draw(10, 4);
});
afterAll(() => {
  vi.unstubAllEnvs();
  work.clear();
});

const rounds = { "method.rounds": 3, "method.mining.rounds": 2 };

async function mined(workers: number, overrides = {}) {
  const run = await work.train(["--local", String(workers)], { ...rounds, ...overrides }).ends(0);
  const stages = JSON.parse(readFileSync(work.path("runs", run.runId!, "stages.json"), "utf8")) as StageRecord[];
  const refused = work.events(run.runId!).filter(({ kind }) => kind === "round-refused");
  const versions = stages.slice(2).map(({ labelVersion }) => labelVersion);
  return { run, stages, refused, versions, weights: run.json<{ weightsSha256: string }>().weightsSha256 };
}

test("its labels are refused, said aloud, and change the result, for any number of workers the same", async () => {
  const one = await mined(1);
  expect(one.refused).toMatchObject([{ round: 2, reason: expect.stringContaining("does not converge") }]);
  expect(one.run.stderr).toContain("the labels of round 2 are refused: it does not converge");
  expect(one.versions).toEqual([1, 1, 3]);
  expect(one.stages[3]).toMatchObject({ name: "round-2", changedShare: 0, labels: one.stages[2]!.labels });
  expect((await mined(2)).weights).toBe(one.weights);
  const all = await mined(1, { "rounds.driftShareMax": 1 });
  expect(all.refused).toEqual([]);
  expect(all.versions).toEqual([1, 2, 3]);
  expect(all.weights).not.toBe(one.weights);
});
