/** What travels through a real nats-server: the event log, status, commands, and broadcast labels. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askCoordinator, listenForControl, pingCoordinator } from "../../coordinator/adapters/control.js";
import { EventLog } from "../../coordinator/adapters/event-log.js";
import { broadcastLabels } from "../../coordinator/adapters/label-broadcast.js";
import { RunStore } from "../../coordinator/adapters/run-store.js";
import { sha256 } from "../../shared/codec/digest.js";
import { type Bus, connectBus, onJson, parseJson, publishJson } from "../../shared/net/bus.js";
import { eventStream, subjects, workerBeatSchema } from "../../shared/net/subjects.js";
import { busPackStore } from "../../worker/adapters/label-packs.js";
import { startBroker, type TestBroker } from "../support/broker.js";
import { until } from "../support/until.js";

let broker: TestBroker;
let bus: Bus;
let dir: string;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-bus-"));
  broker = await startBroker();
  bus = await broker.connect("test");
  await EventLog.prepare(bus);
});
afterAll(async () => {
  await broker?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function openStore(name: string): Promise<RunStore> {
  const store = new RunStore(join(dir, name));
  await store.create();
  return store;
}

describe("the event log", () => {
  test("is in the run's folder and in the stream, in order; whoever comes late reads all of it", async () => {
    const store = await openStore("log");
    const heard: string[] = [];
    const log = new EventLog(bus, store, "log", (record) => heard.push(record.kind));
    for (let i = 0; i < 50; i++) log.append({ kind: `event-${i}`, n: i });
    await log.flush();
    await bus.connection.flush();
    const expected = Array.from({ length: 50 }, (_, i) => `event-${i}`);
    const lines = readFileSync(store.path("events.jsonl"), "utf8").trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { kind: string }).kind)).toEqual(expected);
    expect(heard).toEqual(expected);
    expect(await replay("log", 50)).toEqual(expected);
  });

  test("of one run is not mixed with another's", async () => {
    for (const runId of ["one", "two"]) {
      new EventLog(bus, await openStore(runId), runId, () => undefined).append({ kind: `of-${runId}` });
    }
    await bus.connection.flush();
    expect(await replay("two", 1)).toEqual(["of-two"]);
  });

  test("may be prepared by any number of coordinators", async () => {
    await Promise.all([EventLog.prepare(bus), EventLog.prepare(await broker.connect("second"))]);
  });

  async function replay(runId: string, count: number): Promise<string[]> {
    const consumer = await bus.connection
      .jetstream()
      .consumers.get(eventStream, { filterSubjects: subjects.event(runId) });
    const kinds: string[] = [];
    for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 })) {
      kinds.push((parseJson(message.data) as { kind: string }).kind);
    }
    return kinds;
  }
});

describe("label packs", () => {
  const packs = Array.from({ length: 5 }, (_, i) => Buffer.alloc(300_000 + i, i)).map((bytes) => {
    return { digest: sha256(bytes), bytes };
  });

  test("reach every worker through the broker, larger than one message", async () => {
    const workers = await Promise.all(["w1", "w2"].map((name) => broker.connect(name)));
    await broadcastLabels(bus, "run", 0, "catalogue", packs);
    for (const worker of workers) {
      const store = busPackStore(worker);
      for (const { digest } of packs) expect(sha256((await store.get(digest))!)).toBe(digest);
    }
  });

  test("that were never broadcast are null: the coordinator has them", async () => {
    expect(await busPackStore(bus).get("0".repeat(64))).toBeNull();
  });

  test("broadcast twice, by a resumed coordinator, are there once", async () => {
    await broadcastLabels(bus, "run", 0, "catalogue", packs);
    await broadcastLabels(bus, "run", 0, "catalogue", packs);
    const objects = await (await bus.connection.jetstream().views.os("seedgrow_labels")).list();
    expect(objects.filter(({ name }) => name === packs[0]!.digest)).toHaveLength(1);
  });
});

describe("commands to a run", () => {
  test("`stop` reaches its coordinator, and only that", async () => {
    const heard: string[] = [];
    const ends = await Promise.all(
      ["a", "b"].map((id) => listenForControl(bus, id, (reason) => heard.push(`${id} ${reason}`))),
    );
    await askCoordinator(bus, "a", { op: "stop" });
    await pingCoordinator(bus, "b");
    expect(heard).toEqual(["a stopped by `seedgrow stop`"]);
    for (const end of ends) await end();
  });

  test("to a run that nobody trains fail with a sentence", async () => {
    await expect(askCoordinator(bus, "gone", { op: "stop" })).rejects.toMatchObject({
      code: "RUN_NOT_FOUND",
      hint: expect.stringContaining("seedgrow runs"),
    });
  });
});

describe("the bus", () => {
  test("passes over what does not fit the schema", async () => {
    const beats: string[] = [];
    onJson(bus, subjects.beat, workerBeatSchema, ({ workerId }) => beats.push(workerId));
    const beat = { workerId: "w1", protocolVersion: 1, seedgrowVersion: "0", host: "h", pid: 1, address: "a:1" };
    const engine = { engine: "e", device: "d", fingerprint: "f", threads: 1, leasedBy: null, rssBytes: 1 };
    bus.connection.publish(subjects.beat, "{ no json");
    publishJson(bus, subjects.beat, { ...beat, workerId: 7 });
    publishJson(bus, subjects.beat, { ...beat, ...engine });
    await until("the good beat", () => beats.length > 0);
    expect(beats).toEqual(["w1"]);
  });

  test("that nobody serves is an error that names the address", async () => {
    const connecting = connectBus({ url: "nats://127.0.0.1:1", name: "test", timeoutMs: 2_000 });
    await expect(connecting).rejects.toMatchObject({
      code: "BROKER_UNREACHABLE",
      message: "no NATS server answers at nats://127.0.0.1:1",
    });
  });
});
