/** Sharded training over real gRPC: the same bits as with the coordinator in the middle, whoever is killed at which command. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bus } from "../../shared/net/bus.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { type RunEnd, trainInProcess } from "../support/in-process-run.js";
import { type OnCommand, parameters } from "../support/in-process-worker.js";

let broker: TestBroker;
let bus: Bus;
/** Of a coordinator that sums and updates itself. */
let expected: string;

beforeAll(async () => {
  broker = await startBroker();
  bus = await broker.connect("test");
  expected = (await trainInProcess(bus, { topology: "star", workers: 2 })).weightsSha256!;
});
afterAll(() => broker.stop());

const kinds = (run: RunEnd) => run.events.map(({ kind }) => kind);

test("the coordinator in the middle arrives somewhere", () => {
  expect(expected).toMatch(/^[0-9a-f]{64}$/);
});

test.each([1, 2, 3, 5])("%i workers arrive at the bits of a star", async (workers) => {
  const run = await trainInProcess(bus, { topology: "sharded", workers });
  expect(run.weightsSha256, run.outcome).toBe(expected);
});

test("what workers pull from each other is counted, and is what the commands name", async () => {
  let named = 0;
  let updates = 0;
  const onCommand: OnCommand = ({ id }, { reduce, apply }) => {
    const others = (peer: { workerId: string } | null) => (peer?.workerId === id ? 0 : 1);
    for (const { peer } of reduce?.summands ?? []) named += others(peer) * (reduce!.end - reduce!.first) * 4;
    for (const { first, end, peer } of apply?.slices ?? []) named += others(peer) * (end - first) * 4;
    if (apply) updates++;
  };
  const run = await trainInProcess(bus, { topology: "sharded", workers: 3, onCommand });
  const { bytesPerUpdate, syncBytes } = run.events.find(({ kind }) => kind === "exchange")!;
  expect(bytesPerUpdate).toBe(Math.round(named / updates));
  expect(syncBytes).toBe(0);
});

/** One worker dies as it gets this command of step 2. */
function dyingAt(job: string, id = "w2"): OnCommand {
  return (worker, request) => {
    if (worker.id === id && request.job === job && request.exchange?.step === 2) worker.die();
  };
}

describe("a worker killed", () => {
  test.each(["gradient", "reduce", "apply"])("at its %s changes no bit, and nobody else starts again", async (job) => {
    const run = await trainInProcess(bus, { topology: "sharded", workers: 3, onCommand: dyingAt(job) });
    expect(run.weightsSha256, run.outcome).toBe(expected);
    expect(kinds(run).filter((kind) => kind === "worker-lost")).toHaveLength(1);
    expect(kinds(run)).not.toContain("rewound");
  });

  test("with the only copy of the model sends training back to its checkpoint, to the same bits", async () => {
    const atEnd: OnCommand = (worker, { job, exchange }) => {
      if (worker.id === "w1" && job === "apply" && exchange?.step === 3) worker.die();
    };
    const joinsAt = ({ exchange }: { exchange: { step: number } | null }) => exchange?.step === 3;
    const run = await trainInProcess(bus, { topology: "sharded", workers: 1, onCommand: atEnd, joinsAt });
    expect(run.weightsSha256, run.outcome).toBe(expected);
    expect(run.events.find(({ kind }) => kind === "rewound")?.reason).toMatch(/^no worker has the model/);
  });
});

test("a worker that comes later takes the model from the others", async () => {
  const joinsAt = ({ exchange }: { exchange: { step: number } | null }) => exchange?.step === 1;
  const run = await trainInProcess(bus, { topology: "sharded", workers: 2, joinsAt, imageMs: 20 });
  expect(run.weightsSha256, run.outcome).toBe(expected);
  const exchange = run.events.find(({ kind }) => kind === "exchange")!;
  expect(exchange.syncBytes, "parameters and two moments, from a worker").toBe(3 * parameters * 4);
});

describe("a worker that is wrong", () => {
  test("with numbers that are none is refused and quarantined", async () => {
    const run = await trainInProcess(bus, { topology: "sharded", workers: 2, faults: ["", "nan"] });
    expect(run.weightsSha256, run.outcome).toBe(expected);
    expect(kinds(run)).toContain("worker-quarantined");
  });

  test("with other numbers is found out by an audit", async () => {
    const run = await trainInProcess(bus, { topology: "sharded", workers: 3, audit: 1, faults: ["", "", "lie"] });
    expect(run.weightsSha256, run.outcome).toBe(expected);
    expect(kinds(run)).toContain("worker-quarantined");
  });
});
