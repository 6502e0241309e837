/** Ending a run on purpose: it says how to go on, and leaves nothing running. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBroker, type TestBroker } from "../support/broker.js";
import { descendantsOf, kill, leftOver } from "../support/processes.js";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";

let place: Workplace;
let broker: TestBroker;

beforeAll(async () => {
  place = new Workplace();
  await place.draw(8, 0);
  broker = await startBroker();
});
afterAll(async () => {
  place.clear();
  await broker?.stop();
});

function stateOf(run: Seedgrow): string {
  const record = readFileSync(place.path("runs", run.runId!, "run.json"), "utf8");
  return (JSON.parse(record) as { state: string }).state;
}

test("Ctrl-C in the middle of training: exit code 130, the run is stopped, and its processes are gone", async () => {
  // More steps than anybody waits for.
  const run = place.train(["--local", "2"], { "method.classifier.steps": 100_000 });
  await place.event(run, "worker-joined");
  const children = descendantsOf(run.pid).map(({ pid }) => pid);
  expect(children.length).toBeGreaterThanOrEqual(4);
  kill(run.pid, "SIGINT");
  await run.ends(130);
  expect(stateOf(run)).toBe("stopped");
  expect(run.stderr).toContain("[INTERRUPTED]");
  expect(run.stderr).toContain(`seedgrow resume ${run.runId}`);
  expect(run.stdout).toBe("");
  expect(await leftOver(children, 2_000)).toEqual([]);
});

test("a run without workers says what it waits for, and `seedgrow stop` ends it", async () => {
  const run = place.train(["--nats", broker.url]);
  await place.event(run, "waiting", { reason: "waiting for workers: 0 of at least 1" });
  const stop = await place.seedgrow("stop", "latest").ends(0);
  await run.ends(130);
  expect(stateOf(run)).toBe("stopped");
  expect(stop.stdout + stop.stderr).toContain(run.runId!);
  expect(run.stderr).toContain("stopped by `seedgrow stop`");
});

test("a second coordinator of the same run is turned away", async () => {
  const run = place.train(["--nats", broker.url]);
  await place.event(run, "waiting");
  const second = await place.seedgrow("resume", run.runId!, "--nats", broker.url).ends(2);
  expect(second.stderr).toContain("[RUN_BUSY]");
  kill(run.pid, "SIGTERM");
  await run.ends(130);
});
