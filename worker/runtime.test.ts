/** The worker between the wire and the method. The context's compute answers at once; time is a number. */
import { beforeEach, describe, expect, test } from "vitest";
import { sha256 } from "../shared/codec/digest.js";
import { AppError } from "../shared/errors.js";
import type { AttachRequest__Output } from "../shared/gen/seedgrow/v1/AttachRequest.js";
import type { WorkRequest__Output } from "../shared/gen/seedgrow/v1/WorkRequest.js";
import { leaseMs } from "../shared/limits.js";
import { WorkerExchange } from "./exchange/exchange.js";
import { SumMemory } from "./exchange/sum-memory.js";
import type { JobContext } from "./jobs/context.js";
import { type AttachedRun, WorkerRuntime } from "./runtime.js";

const lease = (token: number, runId = "r1") => ({ runId, token, generation: 0 });
let nowMs: number;
let log: string[];
let computed: number;
let runtime: WorkerRuntime;
/** What the next attach does. */
let openRun: (request: AttachRequest__Output) => Promise<AttachedRun>;

/** The engine's side of a piece of work: it may be lost over it, and has to be set up anew. */
let losses: number;
let prepare: () => Promise<void>;
let compute: () => Promise<void>;

/** Initial parameters are the one job that needs nothing but the compute thread. */
const context = {
  loaded: new Map(),
  exchange: new WorkerExchange({} as never),
  prepare: async () => prepare(),
  compute: {
    get losses() {
      return { count: losses, reason: "unplugged" };
    },
    call: async () => {
      await compute();
      computed++;
      return { result: { specs: [], values: Float32Array.of(computed) }, computeMs: 5 };
    },
  },
} as unknown as JobContext;

beforeEach(() => {
  nowMs = 0;
  log = [];
  computed = 0;
  losses = 0;
  prepare = async () => undefined;
  compute = async () => undefined;
  openRun = async () => ({ context, close: () => log.push("closed") });
  const note = (message: string, fields?: Record<string, unknown>) => log.push(`${message} ${fields?.reason ?? ""}`);
  runtime = new WorkerRuntime({ nowMs: () => nowMs, openRun: (request) => openRun(request), log: note });
});

function attach(token: number, runId = "r1"): Promise<void> {
  const request: AttachRequest__Output = { lease: lease(token, runId), coordinatorAddress: "c:1", setupDigest: "s" };
  return runtime.attach(request);
}

function work(token: number, key: string) {
  return runtime.work({ lease: lease(token), key, init: { classifierDigest: "" } } as unknown as WorkRequest__Output);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new Error("no error"),
    (thrown: unknown) => thrown,
  );
  return error instanceof AppError ? error.code : String(error);
}

describe("work", () => {
  test("of a run that is over gives its memory back, once", async () => {
    const sums = new SumMemory();
    const [sum] = sums.take(1, 3);
    const exchange = new WorkerExchange({} as never);
    exchange.lend(() => sums.give(sum!));
    openRun = async () => ({ context: { ...context, exchange }, close: () => undefined });
    await attach(1);
    runtime.detach(lease(1));
    await attach(2);
    const taken = sums.take(2, 3);
    expect(taken.indexOf(sum!)).toBeGreaterThanOrEqual(0);
    expect(taken[0]).not.toBe(taken[1]);
  });

  test("is done once however often it is asked for, and its outputs can be pulled by digest", async () => {
    await attach(1);
    const [first, again] = [await work(1, "k"), await work(1, "k")];
    expect(again).toEqual(first);
    expect(computed).toBe(1);
    const params = first.outputs!.find(({ name }) => name === "params")!;
    const bytes = (await runtime.get(params.digest!))!;
    expect(sha256(bytes)).toBe(params.digest);
    expect(await runtime.get("0".repeat(64))).toBeNull();
  });

  test("asked for while it is under way is done once as well", async () => {
    await attach(1);
    const [first, again] = await Promise.all([work(1, "k"), work(1, "k")]);
    expect(again).toEqual(first);
    expect(computed).toBe(1);
  });

  test("of long ago is forgotten: outputs do not pile up", async () => {
    await attach(1);
    const first = await work(1, "k0");
    for (let i = 1; i <= 4; i++) await work(1, `k${i}`);
    expect(await runtime.get(first.outputs![1]!.digest!)).toBeNull();
  });

  test("that names no job is an error, and may be asked for again", async () => {
    await attach(1);
    const nothing = { lease: lease(1), key: "k" } as unknown as WorkRequest__Output;
    expect(await codeOf(runtime.work(nothing))).toBe("MESSAGE_INVALID");
    expect((await work(1, "k")).outputs).toHaveLength(2);
  });
});

describe("an engine that is lost", () => {
  const lose = async () => {
    losses++;
    throw new AppError("ENGINE_FAILED", "unplugged");
  };

  test("costs nobody the piece of work: it is done again on the next one", async () => {
    await attach(1);
    let prepared = 0;
    prepare = async () => {
      // The second loss is that of an engine which is only being set up.
      if (++prepared === 2) await lose();
    };
    compute = async () => (losses === 0 ? lose() : undefined);
    expect((await work(1, "k")).outputs).toHaveLength(2);
    expect([computed, prepared]).toEqual([1, 3]);
    expect(log.filter((line) => line.startsWith("done again"))).toHaveLength(2);
  });

  test("for good ends the piece with the cause", async () => {
    await attach(1);
    compute = lose;
    prepare = async () => {
      if (losses > 3) throw new AppError("ENGINE_FAILED", "lost 4 times");
    };
    expect(await codeOf(work(1, "k"))).toBe("ENGINE_FAILED");
    expect(losses).toBe(4);
  });

  test("is not blamed for other failures: they are the coordinator's to judge", async () => {
    await attach(1);
    let asked = 0;
    compute = async () => {
      asked++;
      throw new AppError("ENGINE_FAILED", "out of memory");
    };
    expect(await codeOf(work(1, "k"))).toBe("ENGINE_FAILED");
    expect(asked).toBe(1);
  });
});

describe("leases", () => {
  test("before any, and under an older one, nothing is done", async () => {
    expect(await codeOf(work(1, "k"))).toBe("LEASE_LOST");
    await attach(5);
    expect(await codeOf(work(4, "k"))).toBe("LEASE_LOST");
    expect(await codeOf(attach(4, "r2"))).toBe("LEASE_LOST");
    expect(() => runtime.detach(lease(4))).toThrow(AppError);
    expect(computed).toBe(0);
    expect(runtime.runId).toBe("r1");
  });

  test("a newer one takes the worker over: the old run is closed, its results are gone", async () => {
    await attach(1);
    const old = await work(1, "k");
    await attach(2, "r2");
    expect(runtime.runId).toBe("r2");
    expect(log).toContain("closed");
    expect(await runtime.get(old.outputs![0]!.digest!)).toBeNull();
    expect(await codeOf(work(1, "k"))).toBe("LEASE_LOST");
  });

  test("a coordinator that falls silent frees the worker; one that is heard keeps it", async () => {
    await attach(1);
    nowMs = leaseMs;
    runtime.renewed();
    nowMs = 2 * leaseMs;
    runtime.tick();
    expect(runtime.runId).toBe("r1");
    nowMs++;
    runtime.tick();
    expect(runtime.runId).toBeNull();
    expect(log.at(-2)).toBe("idle the coordinator fell silent");
    expect(await codeOf(work(1, "k"))).toBe("LEASE_LOST");
  });

  test("detaching ends the run on this worker, which is free for the next", async () => {
    await attach(1);
    runtime.detach(lease(1));
    expect(runtime.runId).toBeNull();
    await attach(2, "r2");
    expect(runtime.runId).toBe("r2");
  });
});

test("a run that cannot be opened leaves the worker idle, with the cause for the coordinator", async () => {
  openRun = async () => {
    throw new AppError("BACKBONE_INVALID", "no taps");
  };
  expect(await codeOf(attach(1))).toBe("BACKBONE_INVALID");
  expect(runtime.runId).toBeNull();
});

describe("a slow attach that a newer lease has overtaken", () => {
  let resolve: (run: AttachedRun) => void;
  let reject: (error: Error) => void;
  let first: Promise<string>;

  /** r1 opens when told to, r2 at once. */
  beforeEach(async () => {
    const slow = new Promise<AttachedRun>((onOpened, onFailed) => {
      [resolve, reject] = [onOpened, onFailed];
    });
    await new Promise<void>((begun) => {
      openRun = async (request) => {
        begun();
        return request.lease?.runId === "r1" ? slow : { context, close: () => log.push("r2 closed") };
      };
      first = codeOf(attach(1, "r1"));
    });
  });

  test("changes nothing when it is through", async () => {
    const second = attach(2, "r2");
    resolve({ context, close: () => log.push("r1 closed") });
    expect(await first).toBe("LEASE_LOST");
    await second;
    expect(runtime.runId).toBe("r2");
    expect(log).toContain("r1 closed");
    expect(log).not.toContain("r2 closed");
    expect((await work(2, "k")).outputs).toHaveLength(2);
  });

  test("does not free the worker when it fails", async () => {
    const second = attach(2, "r2");
    reject(new Error("the first coordinator has gone"));
    await first;
    await second;
    expect(runtime.runId).toBe("r2");
  });
});

test("a run that opens slowly keeps its lease as long as it is renewed", async () => {
  let opened: (run: AttachedRun) => void = () => undefined;
  openRun = () =>
    new Promise((resolve) => {
      opened = resolve;
    });
  const attaching = attach(1);
  expect(await codeOf(work(1, "k"))).toBe("LEASE_LOST");
  nowMs = leaseMs + 1;
  opened({ context, close: () => log.push("closed") });
  await attaching;
  runtime.tick();
  expect(runtime.runId).toBe("r1");
});
