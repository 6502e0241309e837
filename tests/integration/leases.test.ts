/** Leases on workers, on a real nats-server: who may command a worker, and for how long. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Leases } from "../../coordinator/adapters/leases.js";
import { AppError } from "../../shared/errors.js";
import { leaseMs } from "../../shared/limits.js";
import type { Bus } from "../../shared/net/bus.js";
import { leaseBucket } from "../../shared/net/subjects.js";
import { startPresence } from "../../worker/adapters/presence.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { until } from "../support/until.js";

let broker: TestBroker;
let bus: Bus;
let coordinators = 0;
/** Why coordinators were told to stop. */
let stopped: string[] = [];
/** Each test has a worker of its own. */
let workerId: string;

beforeAll(async () => {
  broker = await startBroker();
  bus = await broker.connect("test");
});
afterAll(() => broker?.stop());
afterEach(() => {
  workerId = "";
  stopped = [];
});

function coordinatorOf(runId: string): Promise<Leases> {
  coordinators++;
  workerId ||= `worker-${coordinators}`;
  const owner = { runId, coordinatorId: `coordinator-${coordinators}`, sitting: coordinators };
  return Leases.open(bus, owner, (reason) => stopped.push(reason));
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error: unknown) => AppError.from(error).code,
  );
}

describe("a lease", () => {
  test("has a token that grows whenever the worker changes hands", async () => {
    const first = await coordinatorOf("run-1");
    const tokens = [(await first.take(workerId)).token];
    await first.release(workerId);
    const second = await coordinatorOf("run-2");
    tokens.push((await second.take(workerId)).token);
    tokens.push((await second.take(workerId)).token);
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b));
  });

  test("keeps another run away until it is given back", async () => {
    const first = await coordinatorOf("run-1");
    await first.take(workerId);
    const second = await coordinatorOf("run-2");
    expect(await codeOf(second.take(workerId))).toBe("LEASE_LOST");
    await first.release(workerId);
    expect((await second.take(workerId)).token).toBeGreaterThan(0);
  });

  test("of a killed coordinator goes to the one that resumes the run, which outranks it", async () => {
    const killed = await coordinatorOf("run-1");
    const before = await killed.take(workerId);
    const resumed = await coordinatorOf("run-1");
    expect((await resumed.take(workerId)).token).toBeGreaterThan(before.token);
    expect(stopped).toEqual([]);
    expect(await killed.renew()).toMatchObject([{ workerId }]);
    expect(stopped[0]).toMatch(/^another coordinator \(.*\) works on this run now$/);
    expect(await resumed.renew()).toEqual([]);
    expect(await codeOf(killed.take(workerId))).toBe("LEASE_LOST");
  });

  test("is renewed in place, again and again", async () => {
    const coordinator = await coordinatorOf("run-1");
    await coordinator.take(workerId);
    expect([await coordinator.renew(), await coordinator.renew()]).toEqual([[], []]);
  });

  test("that the bus has lost is made again, and the next taker's token is newer whatever its revision", async () => {
    const first = await coordinatorOf("run-1");
    const before = await first.take(workerId);
    const manager = await bus.connection.jetstreamManager();
    await manager.streams.delete(`KV_${leaseBucket}`);
    expect(await first.renew()).toEqual([]);
    const second = await coordinatorOf("run-2");
    expect(await codeOf(second.take(workerId))).toBe("LEASE_LOST");
    await first.release(workerId);
    expect((await second.take(workerId)).generation).toBeGreaterThan(before.generation);
  });

  test("given back twice, or never taken, is no error", async () => {
    const coordinator = await coordinatorOf("run-1");
    await coordinator.take(workerId);
    await coordinator.release(workerId);
    await coordinator.release(workerId);
    await coordinator.releaseAll();
    expect(await coordinator.renew()).toEqual([]);
  });
});

test("a worker hears of renewals, and of nobody else's", async () => {
  const coordinator = await coordinatorOf("run-1");
  let [heard, beats] = [0, 0];
  const { stop } = await startPresence({
    bus: await broker.connect("worker"),
    workerId,
    beat: () => {
      beats++;
      return {} as never;
    },
    onRenewed: () => heard++,
  });
  await coordinator.take("somebody-else");
  await coordinator.take(workerId);
  await until("the lease to be heard of", () => heard === 1);
  await coordinator.renew();
  await until("the renewal to be heard of", () => heard === 2);
  expect(beats).toBeGreaterThan(0);
  stop();
});

test("leases that nobody renews are gone after their time, and the worker is free", async () => {
  const dead = await coordinatorOf("run-1");
  await dead.take(workerId);
  const heir = await coordinatorOf("run-2");
  const kv = await bus.connection.jetstream().views.kv(leaseBucket);
  expect((await kv.status()).ttl).toBe(leaseMs);
  await until("the lease to expire", async () => (await kv.get(workerId)) === null, leaseMs + 10_000);
  expect((await heir.take(workerId)).token).toBeGreaterThan(0);
  // The dead one wakes up (it was only suspended): it hears that it has lost the worker.
  expect(await dead.renew()).toMatchObject([{ workerId }]);
});
