/**
 * Sums that are pulled while others still compute, over real lines: they are used, save their time, and change no bit, whoever is
 * late, comes late, or is lost while the others wait for what it computes.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseWorkMetrics } from "../../shared/data/work-metrics.js";
import { bodyOf, byteOffset, type Wire } from "../../shared/math/wire.js";
import type { Bus } from "../../shared/net/bus.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { leafCount, type RunOptions, trainInProcess } from "../support/in-process-run.js";

let broker: TestBroker;
let bus: Bus;
const expected = new Map<Wire, string>();

beforeAll(async () => {
  broker = await startBroker();
  bus = await broker.connect("test");
  for (const wire of ["f32", "bf16"] as const)
    expected.set(wire, (await trainInProcess(bus, { topology: "star", wire, workers: 1 })).weightsSha256!);
});
afterAll(() => broker.stop());

/** What orders to add up have moved, in the run's order. */
async function overlapped(options: Omit<RunOptions, "topology">) {
  const { wire = "f32" } = options;
  /** Whoever has no micro-batch of a step is told nothing. */
  const told = new Set<string>();
  let named = 0;
  const reduced: { readonly pulledBytes: number; readonly pulledAheadBytes: number }[] = [];
  const run = await trainInProcess(bus, {
    ...options,
    topology: "sharded",
    onCommand: (worker, request) => {
      options.onCommand?.(worker, request);
      const at = `${worker.id} ${request.exchange?.step}`;
      if (request.gradient?.ahead) told.add(at);
      if (!told.has(at)) return;
      const { first = 0, end = 0, length = 0, summands = [] } = request.reduce ?? {};
      const others = summands.filter(({ peer }) => peer?.workerId !== worker.id).length;
      named += others * byteOffset(wire, bodyOf(first, end, length), end - first);
    },
    onReply: (job, { metricsJson }) => {
      const { pulledBytes = 0, pulledAheadBytes = 0 } = parseWorkMetrics(metricsJson ?? "");
      if (job === "reduce") reduced.push({ pulledBytes, pulledAheadBytes });
    },
  });
  expect(run.weightsSha256, run.outcome).toMatch(/^[0-9a-f]{64}$/);
  expect(run.weightsSha256).toBe(expected.get(wire));
  const sum = (of: "pulledBytes" | "pulledAheadBytes") => reduced.reduce((total, one) => total + one[of], 0);
  return { run, named, pulledBytes: sum("pulledBytes"), aheadBytes: sum("pulledAheadBytes") };
}

describe("as long as nobody is lost, all that is added up was pulled before it was ordered", () => {
  test.each([
    ["f32", 2],
    ["f32", 4],
    ["bf16", 4],
  ] as const)("%s, %i workers", async (wire, workers) => {
    const { named, pulledBytes, aheadBytes } = await overlapped({ wire, workers, pieceMs: () => 20 });
    expect(aheadBytes).toBeGreaterThan(0);
    expect(aheadBytes).toBe(pulledBytes);
    expect(aheadBytes).toBe(named);
  });
});

test("with an uneven share of micro-batches as well, for all who have some", async () => {
  const { named, aheadBytes } = await overlapped({ workers: 3, pieceMs: (id) => (id === "w2" ? 60 : 20) });
  expect(aheadBytes).toBeGreaterThan(0);
  expect(aheadBytes).toBe(named);
});

test("an audit, whose second opinions come late, changes no bit", async () => {
  const { aheadBytes } = await overlapped({ workers: 3, audit: 1, pieceMs: () => 10 });
  expect(aheadBytes).toBeGreaterThan(0);
});

describe("a worker that is lost while the others wait for its sum", () => {
  test.each([1, 2, 4])("step %i: its micro-batches are computed by others, to the same bits", async (at) => {
    const { run, pulledBytes, aheadBytes } = await overlapped({
      workers: 3,
      pieceMs: () => 60,
      onCommand: (worker, { job, exchange }) => {
        if (worker.id === "w2" && job === "gradient" && exchange?.step === at) setTimeout(() => worker.die(), 30);
      },
    });
    expect(run.events.filter(({ kind }) => kind === "worker-lost")).toHaveLength(1);
    // The others' own sums were awaited in vain too: their slices are of two now, not of three.
    expect(aheadBytes).toBeGreaterThan(0);
    expect(aheadBytes).toBeLessThan(pulledBytes);
  });
});

describe("nonsense of an engine that others have got when it", () => {
  test.each(["is lost", "fails"] as const)("%s is added up by nobody", async (end) => {
    const { run, named, aheadBytes } = await overlapped({
      workers: leafCount,
      pieceMs: () => 40,
      breaks: (id, step) => (id === "w2" && step === 2 ? end : null),
    });
    expect(run.events.filter(({ kind }) => kind === "work-failed")).toHaveLength(end === "fails" ? 1 : 0);
    // All that others wanted of it.
    expect(aheadBytes).toBeGreaterThan(0);
    expect(aheadBytes).toBeLessThan(named);
  });
});

test("of a straggler whose piece another one does, that one's sum is pulled, and nobody waits", async () => {
  const { run, aheadBytes, pulledBytes } = await overlapped({
    workers: 3,
    pieceMs: (id, step) => (id === "w3" && step === 2 ? 8_000 : 20),
  });
  expect(run.events.map(({ kind }) => kind)).not.toContain("work-cut-off");
  expect(aheadBytes).toBeLessThan(pulledBytes);
});

test("a worker that comes in the middle of a step makes the slices others than was told", async () => {
  const joinsAt = ({
    job,
    exchange,
  }: {
    readonly job?: string;
    readonly exchange: { readonly step: number } | null;
  }) => {
    return job === "gradient" && exchange?.step === 1;
  };
  const { run, aheadBytes } = await overlapped({ workers: 2, joinsAt, pieceMs: () => 400 });
  expect(run.events.filter(({ kind }) => kind === "worker-joined").length).toBeGreaterThan(2);
  expect(aheadBytes).toBeGreaterThan(0);
});
