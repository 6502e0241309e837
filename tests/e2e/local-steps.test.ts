/**
 * Local steps with the real engine: the SHA-256 of the final weights depends neither on how many workers take the
 * replicas' steps, nor on who is killed meanwhile.
 */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { descendantsOf, kill, leftOver, workersOf } from "../support/processes.js";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";

/** Two outer rounds per stage, the second one shorter. */
const flags = ["--sync", "local", "--local-steps", "4", "--replicas", "4"];

let place: Workplace;
let alone: Seedgrow;
let expected: string;

beforeAll(async () => {
  place = new Workplace();
  await place.draw(16, 4);
  alone = place.train(["--local", "1", ...flags]);
  expected = await weightsOf(alone);
});
afterAll(() => place.clear());

async function weightsOf(run: Seedgrow): Promise<string> {
  await run.ends(0);
  return run.json<{ weightsSha256: string }>().weightsSha256;
}

test("a run that has them averages in outer rounds, two a stage, and its weights have a digest", () => {
  const rounds = place.events(alone.runId!).filter(({ kind }) => kind === "outer-round");
  expect(rounds.map(({ phase, number }) => `${phase} ${number}`)).toEqual(
    ["classify", "train-1", "train-2"].flatMap((phase) => [`${phase} 1`, `${phase} 2`]),
  );
  expect(expected).toMatch(/^[0-9a-f]{64}$/);
});

test("three workers, one killed while its replica takes its steps, arrive at the bits of one", async () => {
  const run = place.train(["--local", "3", ...flags]);
  await place.event(run, "phase-started", { phase: "train-1" });
  kill(workersOf(run.pid).at(-1)!);
  await place.event(run, "worker-lost");
  expect(await weightsOf(run)).toBe(expected);
});

test("a coordinator killed between two averages, and resumed, arrives there too", async () => {
  const run = place.train(["--local", "2", "--checkpoint-steps", "4", ...flags]);
  await place.event(run, "outer-round", { phase: "train-2", number: 1 });
  const started = descendantsOf(run.pid).map(({ pid }) => pid);
  kill(run.pid);
  expect((await run.exited).signal).toBe("SIGKILL");
  expect(await leftOver(started)).toEqual([]);
  const kept = readdirSync(place.path("runs", run.runId!, "checkpoints"));
  expect(kept.join()).toContain("train-2");
  const resumed = place.seedgrow("resume", "latest", "--json");
  expect(await weightsOf(resumed)).toBe(expected);
});
