/** Three nats-servers as `certs nats-config --cluster` sets them up: copies on all, one of them killed, strangers kept out. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { StreamInfo } from "nats";
import { afterAll, beforeAll, expect, test } from "vitest";
import { configureNats, refresh } from "../../cli/certs/refresh.js";
import { EventLog, publishStatus } from "../../coordinator/adapters/event-log.js";
import { broadcastLabels } from "../../coordinator/adapters/label-broadcast.js";
import { Leases } from "../../coordinator/adapters/leases.js";
import { readStatus } from "../../coordinator/adapters/status-store.js";
import { type Bus, connectBus } from "../../shared/net/bus.js";
import { replicated, settleReplicas } from "../../shared/net/replicas.js";
import { leaseBucket, type RunStatus } from "../../shared/net/subjects.js";
import { findNatsServer } from "../../shared/tool-paths.js";
import { busPackStore } from "../../worker/adapters/label-packs.js";
import { startPresence } from "../../worker/adapters/presence.js";
import { TestAuthority } from "../support/authority.js";
import { startBroker } from "../support/broker.js";
import { errorOf } from "../support/files.js";
import { freePort } from "../support/ports.js";
import { until } from "../support/until.js";

const names = ["a", "b", "c"] as const;
const servers = new Map<string, ChildProcess>();
const open: Bus[] = [];
let authority: TestAuthority;
let ports: number[] = [];
let url = "";

beforeAll(async () => {
  authority = await TestAuthority.create();
  ports = await Promise.all(Array.from({ length: 8 }, freePort));
  url = names.map((_, i) => `127.0.0.1:${ports[i]}`).join(",");
  await authority.add("head", "coordinator");
  await authority.add("gpu1", "worker");
  for (const name of names) await authority.add(name, "broker");
  for (const [i, name] of names.entries()) await start(name, i);
  await enter("head");
  // Servers that have just met elect a leader before JetStream answers.
  await until("JetStream", () => open[0]!.connection.jetstreamManager().catch(() => null));
});

afterAll(async () => {
  for (const { connection } of open) await connection.close();
  for (const server of servers.values()) server.kill("SIGKILL");
  authority.clear();
});

async function start(name: string, i: number): Promise<void> {
  const certsDir = authority.of(name);
  const config = await configureNats(authority.dir, name, {
    ...{ listen: `127.0.0.1:${ports[i]}`, storeDir: join(certsDir, "jetstream"), certsDir },
    cluster: {
      serverName: name,
      listen: `127.0.0.1:${ports[4 + i]}`,
      routes: names.map((_, other) => `127.0.0.1:${ports[4 + other]}`),
    },
  });
  await refresh(authority.dir, Date.now());
  servers.set(name, spawn(findNatsServer(process.env)!, ["-c", config], { stdio: "ignore" }));
  await until(`${name} to write its pid`, () => existsSync(join(certsDir, "nats-server.pid")));
}

async function enter(name: string, replicas = 0): Promise<Bus> {
  const trust = await authority.trust(name);
  const bus = await until("the cluster to take it", () =>
    connectBus({ url, name: "test", trust, timeoutMs: 2_000, replicas }).catch(() => null),
  );
  open.push(bus);
  return bus;
}

async function streams(bus: Bus): Promise<StreamInfo[]> {
  return (await bus.connection.jetstreamManager()).streams.list().next();
}

const status: RunStatus = {
  outer: null,
  ...{ runId: "r", runDir: "/runs/r", state: "running", reason: "", phase: "train", round: 1, rounds: 2 },
  ...{ done: 0, total: 1, imagesPerSecond: 0, etaSeconds: null, loss: null, miou: null, workers: [] },
  updatedAt: new Date(0).toISOString(),
};

test("whatever is kept is kept three times, and read after any one server is killed", async () => {
  const [head, gpu1] = [open[0]!, await enter("gpu1")];
  let renewals = 0;
  const beat = () => ({}) as never;
  const presence = await startPresence({ bus: gpu1, workerId: "gpu1", beat, onRenewed: () => renewals++ });
  await EventLog.prepare(head);
  const leases = await Leases.open(head, { runId: "r", coordinatorId: "c", sitting: 1 }, () => undefined);
  // A new store elects a leader first and refuses meanwhile: a coordinator tries again at the worker's next beat.
  const taken = await until("to take it", () => leases.take("gpu1").catch(() => null));
  await publishStatus(head, status);
  await broadcastLabels(head, "r", 1, "digest", [{ digest: "pack", bytes: Buffer.from("labels") }]);
  const kept = await streams(head);
  expect(kept.map(({ config }) => [config.name, config.num_replicas]).sort()).toEqual([
    ["KV_seedgrow_leases", 3],
    ["KV_seedgrow_runs", 3],
    ["OBJ_seedgrow_labels", 3],
    ["SEEDGROW_EVENTS", 3],
  ]);
  const leader = kept.find(({ config }) => config.name === `KV_${leaseBucket}`)!.cluster!.leader!;
  servers.get(leader)!.kill("SIGKILL");
  const [before, killedMs] = [renewals, Date.now()];
  await until("the lease to be renewed, and heard of", async () => {
    expect(await leases.renew()).toEqual([]);
    return renewals > before + 1;
  });
  // What docs/RELIABILITY.md tells of.
  process.stdout.write(`tests/integration: leases are written again after ${(Date.now() - killedMs) / 1000} s\n`);
  const pack = await until("the labels", () => busPackStore(gpu1).get("pack"));
  expect(Buffer.from(pack).toString()).toBe("labels");
  await until("the status", () => readStatus(head, "r"));
  // The store is as old as before: a worker obeys the token that it knows.
  await leases.releaseAll();
  const again = await until("to take it again", () => leases.take("gpu1").catch(() => null));
  expect(again.generation).toBe(taken.generation);
  expect(again.token).toBeGreaterThan(taken.token);
  presence.stop();
  await start(leader, names.indexOf(leader as (typeof names)[number]));
});

test("what a smaller cluster has made gets its copies, and a setting decides where it is set", async () => {
  const alone = await enter("head", 1);
  const copies = async () => new Set((await streams(alone)).map(({ config }) => config.num_replicas));
  /** A server that elects a leader refuses to change anything; the next coordinator that starts tries again. */
  const settled = async (bus: Bus, wanted: string) => {
    await settleReplicas(bus);
    return [...(await copies())].join() === wanted;
  };
  await until("one copy of each", () => settled(alone, "1"));
  await until("three again", () => settled(open[0]!, "3"));
});

test("a server with a worker's certificate does not become part of the cluster", async () => {
  const thief = authority.of("gpu1");
  const config = await configureNats(authority.dir, "gpu1", {
    ...{ listen: `127.0.0.1:${ports[3]}`, storeDir: join(thief, "jetstream"), certsDir: thief },
    cluster: { serverName: "x", listen: `127.0.0.1:${ports[7]}`, routes: [`127.0.0.1:${ports[4]}`] },
  });
  await refresh(authority.dir, Date.now());
  const server = spawn(findNatsServer(process.env)!, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  server.stderr.on("data", (data) => {
    said += data;
  });
  servers.set("x", server);
  await until("to be refused", () => said.includes("Route Error 'Authorization Violation'"));
});

test("a server alone keeps one copy; three that are insisted on are refused in words", async () => {
  const broker = await startBroker();
  try {
    const bus = await broker.connect("test");
    await EventLog.prepare(bus);
    expect((await streams(bus)).map(({ config }) => config.num_replicas)).toEqual([1]);
    const insisting = { ...bus, replicas: 3 };
    const views = bus.connection.jetstream().views;
    const making = replicated(insisting, (replicas) => views.kv("b", { replicas }));
    expect(await errorOf(making)).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("replicas=3"),
    });
  } finally {
    await broker.stop();
  }
});
