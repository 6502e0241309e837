/** The bus: can a broker be started here, and does that of the cluster do what is needed? */
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BusPlace } from "../../coordinator/adapters/live-run.js";
import { startNats } from "../../coordinator/adapters/nats-server.js";
import { AppError } from "../../shared/errors.js";
import { type Bus, onJson, publishJson } from "../../shared/net/bus.js";
import { subjects, type WorkerBeat, workerBeatSchema } from "../../shared/net/subjects.js";
import { findNatsServer } from "../../shared/tool-paths.js";
import { type BusFlags, busPlace, openBus } from "../run-view.js";
import { type Check, fail, ok, warn } from "./finding.js";

/** Workers answer a call at once, and beat every second anyway. */
const listenMs = 1_500;

export function brokerChecks({ nats, ...flags }: BusFlags & { readonly nats?: string }): Check[] {
  const own = { name: "broker", run: checkOwnBroker };
  if (nats === undefined) return [own];
  return [own, { name: "cluster", run: () => checkCluster(busPlace(nats, flags)) }];
}

/** Starts one as --local does, and keeps and reads a value. */
async function checkOwnBroker() {
  const program = findNatsServer(process.env);
  if (!program) return fail("nats-server not found", "Run ./deploy/setup.sh, or use a cluster's broker with --nats.");
  const dir = await mkdtemp(join(tmpdir(), "seedgrow-doctor-"));
  try {
    const nats = await startNats(join(dir, "nats"), join(dir, "nats.log"));
    try {
      const { version } = await withBus({ natsUrl: nats.url, certs: "", isInsecure: false }, tryJetStream);
      return ok(`nats-server ${version} starts, JetStream works (${program})`);
    } finally {
      await nats.stop();
    }
  } catch (error) {
    const { message, hint } = AppError.from(error);
    return fail(`${program}: ${message}`, hint);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function checkCluster(place: BusPlace) {
  try {
    return await withBus(place, async (bus) => {
      // A worker or viewer may not keep anything there: that the store answers has to do.
      const mayWrite = bus.role === null || bus.role === "coordinator";
      const { version, roundTripMs } = await (mayWrite ? tryJetStream(bus) : askJetStream(bus));
      const value = `${bus.url}: nats-server ${version}, JetStream works, answers in ${roundTripMs} ms`;
      // A worker's certificate does not show it the others.
      if (bus.role === "worker") return ok(`${value}; this machine's certificate is a worker's`);
      return judgeCluster(value, await listenForWorkers(bus));
    });
  } catch (error) {
    const { message, hint } = AppError.from(error);
    return fail(message, hint);
  }
}

export function judgeCluster(broker: string, workers: readonly Pick<WorkerBeat, "fingerprint" | "leasedBy">[]) {
  const free = workers.filter(({ leasedBy }) => leasedBy === null).length;
  const value = `${broker}; ${workers.length} worker(s), ${free} free`;
  if (workers.length === 0) return warn(value, `Start workers: seedgrow worker --nats URL, on every machine.`);
  const kinds = new Set(workers.map(({ fingerprint }) => fingerprint)).size;
  if (kinds === 1) return ok(value);
  const advice = "A run takes workers of one kind, for equal bits; --set cluster.allowMixed=true takes all.";
  return warn(`${value}, of ${kinds} kinds (engine, threads or processor differ)`, advice);
}

async function tryJetStream(bus: Bus): Promise<{ version: string; roundTripMs: string }> {
  const { connection } = bus;
  const name = `seedgrow_doctor_${randomUUID().slice(0, 8)}`;
  try {
    const bucket = await connection.jetstream({ timeout: 5_000 }).views.kv(name, { history: 1 });
    await bucket.put("key", "value");
    const entry = await bucket.get("key");
    await bucket.destroy();
    if (entry?.string() !== "value") throw new Error("it forgets what it is told");
  } catch (cause) {
    throw new AppError("BROKER_UNREACHABLE", `JetStream does not work on ${bus.url}`, {
      hint: "Start nats-server with -js, and with a store folder that it can write.",
      cause,
    });
  }
  return describeBroker(bus);
}

async function askJetStream(bus: Bus): Promise<{ version: string; roundTripMs: string }> {
  await bus.connection.jetstreamManager({ timeout: 5_000 }).catch((cause: unknown) => {
    throw new AppError("BROKER_UNREACHABLE", `JetStream does not work on ${bus.url}`, { cause });
  });
  return describeBroker(bus);
}

async function describeBroker({ connection }: Bus): Promise<{ version: string; roundTripMs: string }> {
  const roundTripMs = (await connection.rtt()).toFixed(0);
  return { version: connection.info?.version ?? "?", roundTripMs };
}

async function listenForWorkers(bus: Bus): Promise<WorkerBeat[]> {
  const beats = new Map<string, WorkerBeat>();
  const subscription = onJson(bus, subjects.beat, workerBeatSchema, (beat) => beats.set(beat.workerId, beat));
  publishJson(bus, subjects.discover, {});
  await sleep(listenMs);
  subscription.unsubscribe();
  return [...beats.values()];
}

async function withBus<T>(place: BusPlace, work: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = await openBus(place, ["coordinator", "viewer", "worker"]);
  try {
    return await work(bus);
  } finally {
    await bus.connection.close();
  }
}
