/** Local steps over real gRPC: the same bits for any number of workers, whoever is killed or wrong. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bus } from "../../shared/net/bus.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { type RunEnd, type RunOptions, steps, trainInProcess } from "../support/in-process-run.js";
import type { OnCommand } from "../support/in-process-worker.js";

const local = { replicas: 4, steps: 2 };

let broker: TestBroker;
let bus: Bus;
let alone: RunEnd;

const train = (options: Omit<RunOptions, "topology">) => trainInProcess(bus, { local, ...options });
const kinds = (run: RunEnd) => run.events.map(({ kind }) => kind);

beforeAll(async () => {
  broker = await startBroker();
  bus = await broker.connect("test");
  alone = await train({ workers: 1 });
});
afterAll(() => broker.stop());

test("one worker takes all replicas in turn, and every step has its loss", () => {
  expect(alone.outcome).toMatch(/^done/);
  expect(alone.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  expect(alone.losses.map(([step]) => step)).toEqual(Array.from({ length: steps }, (_, i) => i));
  for (const [, loss] of alone.losses) expect(loss).toBeGreaterThan(0);
  const rounds = alone.events.filter(({ kind }) => kind === "outer-round");
  expect(rounds.map(({ number, of, step }) => [number, of, step])).toEqual([
    [1, 3, 2],
    [2, 3, 4],
    [3, 3, 5],
  ]);
});

test.each([2, 3, 5])("%i workers arrive at the bits of one", async (workers) => {
  const run = await train({ workers });
  expect(run.weightsSha256, run.outcome).toBe(alone.weightsSha256);
  expect(run.losses).toEqual(alone.losses);
  expect(kinds(run).includes("worker-surplus")).toBe(workers > local.replicas);
});

test("replicas and local steps are part of the result", async () => {
  const others = [
    { replicas: 2, steps: 2 },
    { replicas: 4, steps: 1 },
  ];
  const digests = await Promise.all(
    others.map(async (other) => (await train({ workers: 1, local: other })).weightsSha256),
  );
  expect(new Set([alone.weightsSha256, ...digests]).size).toBe(3);
});

test("rounded on their way, replicas are the same for any number of workers as well", async () => {
  const [one, three] = [await train({ workers: 1, wire: "int8" }), await train({ workers: 3, wire: "int8" })];
  expect(three.weightsSha256, three.outcome).toBe(one.weightsSha256);
  expect(one.weightsSha256).not.toBe(alone.weightsSha256);
});

describe("a worker killed", () => {
  const dyingAt = (step: number): OnCommand => {
    return (worker, request) => {
      if (worker.id === "w2" && request.local?.step === step) worker.die();
    };
  };

  test.each([0, 2, 4])("while its replica takes the steps from %i on changes no bit", async (step) => {
    const run = await train({ workers: 3, onCommand: dyingAt(step) });
    expect(run.weightsSha256, run.outcome).toBe(alone.weightsSha256);
    expect(kinds(run).filter((kind) => kind === "worker-lost")).toHaveLength(1);
  });
});

test("a worker that joins in the middle takes replicas like any other", async () => {
  const joinsAt = ({ local: job }: { local?: { step: number } | null }) => job?.step === 2;
  const run = await train({ workers: 1, joinsAt, imageMs: 10 });
  expect(run.weightsSha256, run.outcome).toBe(alone.weightsSha256);
  expect(run.events.some(({ kind, workerId }) => kind === "worker-joined" && workerId === "spare")).toBe(true);
});

describe("a worker that is wrong", () => {
  test("with numbers that are none is refused and quarantined", async () => {
    const run = await train({ workers: 2, faults: ["", "nan"] });
    expect(run.weightsSha256, run.outcome).toBe(alone.weightsSha256);
    expect(kinds(run)).toContain("worker-quarantined");
  });

  test("with other numbers is found out by an audit", async () => {
    const run = await train({ workers: 3, audit: 1, faults: ["", "", "lie"] });
    expect(run.weightsSha256, run.outcome).toBe(alone.weightsSha256);
    expect(kinds(run)).toContain("worker-quarantined");
  });
});

test("numbers that are none from everybody end the run by name", async () => {
  const run = await train({ workers: 2, faults: ["nan", "nan"] });
  expect(run.outcome).toMatch(/^failed: .*not finite/);
  const ended = run.events.find(({ kind }) => kind === "run-ended");
  expect(ended?.code).toBe("TRAINING_DIVERGED");
});
