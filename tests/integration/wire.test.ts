/** `cluster.wire` over real gRPC: for each wire one result, whoever computed what and whoever was lost; and fewer bytes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bus } from "../../shared/net/bus.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { type RunEnd, type RunOptions, trainInProcess } from "../support/in-process-run.js";
import { type OnCommand, parameters } from "../support/in-process-worker.js";

const lossy = ["bf16", "int8"] as const;
let broker: TestBroker;
let bus: Bus;
/** By wire: one worker, the coordinator in the middle. */
const expected = new Map<string, string>();

beforeAll(async () => {
  broker = await startBroker();
  bus = await broker.connect("test");
  for (const wire of ["f32", ...lossy] as const) {
    expected.set(wire, (await trainInProcess(bus, { topology: "star", wire, workers: 1 })).weightsSha256!);
  }
});
afterAll(() => broker.stop());

const kinds = (run: RunEnd) => run.events.map(({ kind }) => kind);

test("each wire arrives somewhere else", () => {
  expect(new Set(expected.values()).size).toBe(3);
  for (const digest of expected.values()) expect(digest).toMatch(/^[0-9a-f]{64}$/);
});

describe.each(lossy)("%s", (wire) => {
  const train = async (options: Partial<RunOptions>) => {
    const run = await trainInProcess(bus, { topology: "sharded", workers: 3, ...options, wire });
    expect(run.weightsSha256, run.outcome).toBe(expected.get(wire));
    return run;
  };

  test.each([2, 3, 8])("a star of %i workers has its bits", async (workers) => {
    await train({ topology: "star", workers });
  });

  test("a star whose sums go through files has them", async () => {
    await train({ topology: "star", workers: 3, memoryBytes: 0 });
  });

  test.each([1, 2, 3, 5])("%i workers among themselves have them", async (workers) => {
    await train({ workers });
  });

  test.each(["gradient", "reduce", "apply"])("a worker killed at its %s changes none", async (job) => {
    const run = await train({
      onCommand: (worker, request) => {
        if (worker.id === "w2" && request.job === job && request.exchange?.step === 2) worker.die();
      },
    });
    expect(kinds(run)).toContain("worker-lost");
  });

  test("a star that loses a worker changes none", async () => {
    const run = await train({
      topology: "star",
      onCommand: (worker, { gradient }) => {
        if (worker.id === "w2" && gradient?.step === 2) worker.die();
      },
    });
    expect(kinds(run)).toContain("worker-lost");
  });

  test("nor does a worker that comes later", async () => {
    await train({ workers: 2, joinsAt: ({ exchange }) => exchange?.step === 1, imageMs: 20 });
  });

  test("nor training that goes back to its checkpoint", async () => {
    const onCommand: OnCommand = (worker, { job, exchange }) => {
      if (worker.id === "w1" && job === "apply" && exchange?.step === 3) worker.die();
    };
    const run = await train({ workers: 1, onCommand, joinsAt: ({ exchange }) => exchange?.step === 3 });
    expect(kinds(run)).toContain("rewound");
  });

  test.each(["star", "sharded"] as const)("%s: numbers that are none are refused", async (topology) => {
    const run = await train({ topology, workers: 2, faults: ["", "nan"] });
    expect(kinds(run)).toContain("worker-quarantined");
  });

  test.each(["star", "sharded"] as const)("%s: an audit finds other numbers", async (topology) => {
    const run = await train({ topology, audit: 1, faults: ["", "", "lie"] });
    expect(kinds(run)).toContain("worker-quarantined");
  });
});

/** Bytes that workers pulled from each other, by numbers that the commands told them to pull. */
async function bytesPerNumber(wire: RunOptions["wire"]): Promise<number> {
  let named = 0;
  const onCommand: OnCommand = ({ id }, { reduce, apply }) => {
    const others = (peer: { workerId: string } | null) => (peer?.workerId === id ? 0 : 1);
    for (const { peer } of reduce?.summands ?? []) named += others(peer) * (reduce!.end - reduce!.first);
    for (const { first, end, peer } of apply?.slices ?? []) named += others(peer) * (end - first);
  };
  const run = await trainInProcess(bus, { topology: "sharded", workers: 4, wire, onCommand });
  const { bytesPerUpdate, updates } = run.events.find(({ kind }) => kind === "exchange") as never;
  expect(named).toBeGreaterThan(parameters);
  return (bytesPerUpdate * updates) / named;
}

test("bf16 moves half the bytes between workers, int8 a quarter and its scales", async () => {
  expect(await bytesPerNumber("f32")).toBeCloseTo(4, 3);
  // Two numbers of each sum stay f32.
  expect(await bytesPerNumber("bf16")).toBeCloseTo(2, 2);
  expect(await bytesPerNumber("int8")).toBeCloseTo(1 + 1 / 32, 2);
});

test("bf16 moves half the bytes between workers and a coordinator in the middle, int8 a quarter, both ways", async () => {
  for (const [wire, sum, change] of [
    ["f32", 4 * parameters, 4 * parameters],
    ["bf16", 2 * parameters, 2 * parameters],
    ["int8", parameters + Math.ceil(parameters / 32), parameters + Math.ceil(parameters / 32)],
  ] as const) {
    let pulled: readonly number[] = [];
    const sums: number[] = [];
    await trainInProcess(bus, {
      ...{ topology: "star", workers: 1, wire },
      onCommand: (worker) => {
        pulled = worker.pulledBytes;
      },
      onReply: (job, { outputs }) => {
        if (job === "gradient") sums.push(outputs![0]!.bytes as number);
      },
    });
    // Losses and images behind each sum; the first parameters whole.
    expect(sums).toEqual(new Array(5).fill(sum + 8));
    expect(pulled).toEqual([4 * parameters, ...new Array(4).fill(change)]);
  }
});
