/**
 * A cluster with certificates: nats-server, workers, coordinator and watchers as processes of their own, TLS both ways
 * between all of them. Encryption changes no bit of the result; who is revoked in the middle is out.
 */
import { networkInterfaces } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectBus, onJson } from "../../shared/net/bus.js";
import { subjects, workerBeatSchema } from "../../shared/net/subjects.js";
import { type SecureBroker, startSecureBroker, TestAuthority } from "../support/authority.js";
import { descendantsOf, kill, listeningPorts, takesConnections } from "../support/processes.js";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

const place = new Workplace();
let authority: TestAuthority;
let broker: SecureBroker;
const workers: Seedgrow[] = [];
let plain = "";

/** How long it pretends to compute is no part of the result. */
const simulated = ["--engine", "simulated", "--simulated-image-ms", "40"];
const once = { "method.rounds": 1 };

beforeAll(async () => {
  await place.draw(8, 4);
  authority = await TestAuthority.create();
  for (const name of ["gpu1", "gpu2"]) await authority.add(name, "worker");
  await authority.add("head", "coordinator");
  await authority.add("guest", "viewer");
  broker = await startSecureBroker(authority);
  plain = await inTheClear();
});

afterAll(async () => {
  for (const { pid } of workers) kill(pid);
  await broker.stop();
  authority.clear();
  place.clear();
});

function worker(name: string, ...more: readonly string[]): Seedgrow {
  const started = place.seedgrow("worker", "--id", name, "--nats", broker.url, ...simulated, ...more);
  workers.push(started);
  return started;
}

function secureTrain(overrides: Readonly<Record<string, string | number>> = {}): Seedgrow {
  return place.train(["--nats", broker.url, "--certs", authority.of("head")], { ...once, ...overrides });
}

async function weightsOf(run: Seedgrow): Promise<string> {
  return (await run.ends(0)).json<{ weightsSha256: string }>().weightsSha256;
}

/** The same run with a broker, workers and coordinator that trust the machine they are on. */
async function inTheClear(): Promise<string> {
  const { startBroker } = await import("../support/broker.js");
  const open = await startBroker();
  const own = ["--nats", open.url, "--id", "plain", ...simulated];
  const alone = place.seedgrow("worker", ...own);
  const weights = await weightsOf(place.train(["--nats", open.url], once));
  kill(alone.pid);
  await open.stop();
  return weights;
}

test("trains over mutual TLS to the same bits as in the clear, while a viewer watches and may not stop it", async () => {
  worker("gpu1", "--certs", authority.of("gpu1"));
  // Nobody dials this one: it calls the coordinator.
  worker("gpu2", "--push", "--certs", authority.of("gpu2"));
  const run = secureTrain({ "cluster.workersMin": 2 });
  await place.event(run, "phase-started", { phase: "classify" });
  const guest = ["--nats", broker.url, "--certs", authority.of("guest")];
  const runs = await until("the run to be seen", async () => {
    const status = await place.seedgrow("status", ...guest, "--json").ends(0);
    const seen = status.json<{ runId: string }[]>().map(({ runId }) => runId);
    return seen.length > 0 && seen;
  });
  expect(runs).toEqual([run.runId]);
  const stop = await place.seedgrow("stop", "latest", ...guest).ends(4);
  expect(stop.stderr).toContain("CERT_ROLE");
  expect(await weightsOf(run)).toBe(plain);
  const watch = await place.seedgrow("watch", run.runId!, "--plain", ...guest).ends(0);
  expect(watch.stdout).toContain("is done");
});

test("a worker whose certificate is revoked in the middle says so and ends, and the others finish to the same bits", async () => {
  const gpu2 = workers[1]!;
  const run = secureTrain({ "cluster.workersMin": 1 });
  await place.event(run, "worker-joined", { workerId: "gpu2" });
  await authority.revoke("gpu2");
  expect((await gpu2.ends(4)).stderr).toContain(
    "[CERT_REVOKED] the certificate of gpu2 was revoked while this worker ran",
  );
  expect(await weightsOf(run)).toBe(plain);
  const bus = await connectBus({ url: broker.url, name: "test", trust: await authority.trust("head") });
  const heard = new Set<string>();
  onJson(bus, subjects.beat, workerBeatSchema, ({ workerId }) => heard.add(workerId));
  await until("three beats of gpu1", () => heard.has("gpu1"));
  expect([...heard]).toEqual(["gpu1"]);
  await bus.connection.close();
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === "::1"));
if (!hasIpv6) process.stderr.write("SKIPPED: IPv6, since this machine has no ::1\n");

test.skipIf(!hasIpv6)("over IPv6, dialled and called: the same bits", async () => {
  for (const { pid } of workers) kill(pid, "SIGTERM");
  await Promise.all(workers.map(({ exited }) => exited));
  worker("dialled", "--listen", "[::1]:0", "--certs", authority.of("gpu1"));
  worker("called", "--listen", "[::1]:0", "--push", "--certs", authority.of("gpu1"));
  const run = secureTrain({ "cluster.workersMin": 2, "cluster.listen": "[::1]:0" });
  await place.event(run, "worker-joined", { workerId: "called" });
  expect(await weightsOf(run)).toBe(plain);
});

test("no more workers than cluster.workersMax are taken in; the next takes the place of one that leaves", async () => {
  const run = secureTrain({ "cluster.workersMax": 1 });
  const { workerId: first } = await place.event(run, "worker-joined");
  const other = first === "called" ? "dialled" : "called";
  const refused = await place.event(run, "worker-refused", { workerId: other });
  expect(refused.reason).toContain("cluster.workersMax");
  kill(workers.at(first === "called" ? -1 : -2)!.pid);
  await place.event(run, "worker-joined", { workerId: other });
  expect(await weightsOf(run)).toBe(plain);
});

describe("what is refused at the start", () => {
  test.each([
    ["a worker that listens everywhere", ["worker", "--listen", "0.0.0.0:0"]],
    ["a worker that advertises another address", ["worker", "--advertise", "gpu1:7001"]],
    ["a worker of a broker elsewhere", ["worker", "--nats", "nats://head:4222"]],
    ["metrics for everybody", ["worker", "--metrics", "0.0.0.0:0"]],
    ["a look at a broker elsewhere", ["status", "--nats", "nats://head:4222"]],
  ])("%s, without certificates", async (_, args) => {
    const refused = await place.seedgrow(...args).ends(2);
    expect(refused.stderr).toContain("INSECURE_ADDRESS");
  });

  test("a run that listens everywhere, without certificates", async () => {
    const refused = await place.train(["--nats", "127.0.0.1:1"], { "cluster.listen": "0.0.0.0:0" }).ends(2);
    expect(refused.stderr).toContain("cluster.listen 0.0.0.0:0 leaves this machine");
  });

  test.each([
    ["guest", "CERT_ROLE"],
    ["gpu2", "CERT_REVOKED"],
  ])("a worker with the certificate of %s", async (name, code) => {
    const refused = await worker(`as-${name}`, "--certs", authority.of(name)).ends(4);
    expect(refused.stderr).toContain(code);
  });
});

test("what `--local` starts answers nobody from outside", async () => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === "IPv4" && !one.internal)?.address;
  if (outside === undefined) throw new Error("no address off loopback to look from");
  const run = place.train(["--local", "2"], once);
  // The coordinator, nats-server and two workers.
  const ports = await until("four to listen", () => {
    const pids = [run.pid, ...descendantsOf(run.pid).map(({ pid }) => pid)];
    const found = new Set(pids.flatMap(listeningPorts));
    return found.size >= 4 && found;
  });
  for (const port of ports) {
    expect(await takesConnections("127.0.0.1", port)).toBe(true);
    expect(await takesConnections(outside, port)).toBe(false);
  }
  kill(run.pid, "SIGINT");
  await run.ends(130);
});
