/**
 * The determinism contract (DESIGN: same bits, whoever computed them), on real processes with the real engine: the
 * SHA-256 of the final weights depends neither on the number of workers nor on who was killed.
 */
import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { onJson } from "../../shared/net/bus.js";
import { subjects, workerBeatSchema } from "../../shared/net/subjects.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { descendantsOf, kill, leftOver, workersOf } from "../support/processes.js";
import { preload, type Seedgrow, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

let place: Workplace;
/** Of an undisturbed run with one worker: what every other run must arrive at. */
let expected: string;
/** Where no run is: its worker, which pauses for 21 seconds in all, ends while others train. */
let elsewhere: TestBroker;
let doomed: Seedgrow;
/** Everything that any run has started. */
const seen = new Set<number>();

beforeAll(async () => {
  place = new Workplace();
  await place.draw(16, 4);
  elsewhere = await startBroker();
  const NODE_OPTIONS = preload("lose-every-engine.cjs");
  doomed = place.start(["worker", "--nats", elsewhere.url, "--engine", "simulated"], { NODE_OPTIONS });
  expected = await weightsOf(watched(place.train(["--local", "1"])));
});
afterAll(async () => {
  place.clear();
  await elsewhere?.stop();
});

/** Notes the processes of a run while it trains. */
async function watched(run: Seedgrow, phase = "train-1"): Promise<Seedgrow> {
  await place.event(run, "phase-started", { phase });
  for (const { pid } of descendantsOf(run.pid)) seen.add(pid);
  return run;
}

async function weightsOf(starting: Promise<Seedgrow>): Promise<string> {
  const run = await (await starting).ends(0);
  return run.json<{ weightsSha256: string }>().weightsSha256;
}

test("the weights have a digest", () => {
  expect(expected).toMatch(/^[0-9a-f]{64}$/);
});

test("three workers arrive at the bits of one", async () => {
  expect(await weightsOf(watched(place.train(["--local", "3"])))).toBe(expected);
});

test("a worker killed in the middle of a step changes no bit", async () => {
  const run = await watched(place.train(["--local", "2"]));
  // Frozen before its first step of round 1: the step's micro-batches that it gets can only come from the other one.
  const victim = workersOf(run.pid).at(-1)!;
  kill(victim, "SIGSTOP");
  await atWork(run);
  kill(victim);
  const lost = await place.event(run, "worker-lost");
  expect(lost.reason).toMatch(/^unreachable: /);
  expect(await weightsOf(Promise.resolve(run))).toBe(expected);
});

test("workers whose engine is lost over their work start it again, say so, lose nothing else, and change no bit", async () => {
  const run = place.train(["--local", "2"], {}, { NODE_OPTIONS: preload("lose-engine.cjs") });
  expect(await weightsOf(watched(run))).toBe(expected);
  const events = place.events(run.runId!);
  const losses = events.filter(({ kind }) => kind === "engine-lost");
  expect(losses.map(({ reason }) => reason)).toEqual(losses.map(() => "the engine is pulled out"));
  expect(new Set(losses.map(({ workerId }) => workerId)).size).toBe(losses.length);
  expect(losses.length).toBeGreaterThan(0);
  const others = ["worker-lost", "work-failed", "local-worker-exited"];
  expect(events.filter(({ kind }) => others.includes(kind))).toEqual([]);
  expect(run.stderr).toContain("has lost its engine and starts it again: the engine is pulled out");
});

test("a worker whose engines are all lost ends with that code", async () => {
  expect((await doomed.ends(4)).stderr).toMatch(
    /\[ENGINE_FAILED\] lost 4 times within 10 minutes, the last time because: the engine is pulled out/,
  );
});

/** Two seconds later the step is under way, and waits for the frozen worker. */
async function atWork(run: Seedgrow): Promise<void> {
  const fromMs = performance.now();
  await until("the step to begin", () => run.child.exitCode === null && performance.now() - fromMs > 2_000);
}

test.each(["star", "sharded"])(
  "a coordinator killed in the middle of a round, and resumed, changes no bit (%s)",
  async (topology) => {
    const run = await watched(place.train(["--local", "2"], { "cluster.topology": topology }), "train-2");
    kill(run.pid);
    expect((await run.exited).signal).toBe("SIGKILL");
    expect(await leftOver([...seen])).toEqual([]);
    const resumed = place.seedgrow("resume", "latest", "--json");
    expect(await weightsOf(watched(resumed, "train-2"))).toBe(expected);
    const started = place.events(resumed.runId!).filter(({ kind }) => kind === "phase-started");
    expect(started.map(({ phase }) => phase).join(" ")).toMatch(/^classify .* train-2 train-2 refine-2 evaluate-2$/);
  },
);

test("rounded sums have bits of their own, which neither workers, topology nor a killed coordinator change", async () => {
  const alone = await weightsOf(watched(place.train(["--local", "1", "--wire", "int8"])));
  expect(alone).not.toBe(expected);
  const run = await watched(place.train(["--local", "2", "--wire", "int8"], { "cluster.topology": "sharded" }));
  kill(run.pid);
  await run.exited;
  const resumed = place.seedgrow("resume", "latest", "--topology", "star", "--json");
  expect(await weightsOf(watched(resumed))).toBe(alone);
});

test("workers that know nothing but the bus join a running training, share it, and stay for the next", async () => {
  const broker = await startBroker();
  const bus = await broker.connect("test");
  const startWorker = (host: string) => {
    const own = [
      "--listen",
      `${host}:0`,
      "--cache",
      place.path(`cache-${host}`),
      "--id",
      `on-${host.replaceAll(".", "-")}`,
    ];
    return place.seedgrow("worker", "--nats", broker.url, ...own);
  };
  const workers = [startWorker("127.0.0.2")];
  const run = place.train(["--nats", broker.url], { "cluster.workersMin": 2 });
  await place.event(run, "waiting", { reason: "waiting for workers: 1 of at least 2" });
  workers.push(startWorker("127.0.0.3"));
  await place.event(run, "worker-joined", { workerId: "on-127-0-0-3" });
  expect(await weightsOf(Promise.resolve(run))).toBe(expected);
  // Both have pulled photos, which neither had.
  for (const host of ["127.0.0.2", "127.0.0.3"])
    expect(readdirSync(place.path(`cache-${host}`)).length).toBeGreaterThan(4);
  const idle = new Set<string>();
  onJson(bus, subjects.beat, workerBeatSchema, ({ workerId, leasedBy }) => leasedBy === null && idle.add(workerId));
  await until("both workers to be idle", () => idle.size === 2);
  for (const worker of workers) kill(worker.pid, "SIGTERM");
  for (const worker of workers) await worker.ends(0);
  await broker.stop();
});

test("no broker and no worker is left behind by any of these runs", async () => {
  expect(seen.size).toBeGreaterThanOrEqual(10);
  expect(await leftOver([...seen])).toEqual([]);
});
