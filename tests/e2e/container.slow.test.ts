/**
 * The containers' entry points as Docker and Kubernetes run them: another user, who may write to its own volumes alone, with
 * certificates that its group can read. Without an engine and without Docker.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type SecureBroker, startSecureBroker, TestAuthority } from "../support/authority.js";
import { freePort } from "../support/ports.js";
import { kill } from "../support/processes.js";
import { settings, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const uid = 10001;
const other = ["setpriv", "--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
/** Not where only root can read this folder, or where nobody can become another. */
const readable = `require("node:fs").readFileSync(${JSON.stringify(join(root, "node_modules/commander/package.json"))})`;
const isRoot = spawnSync(other[0]!, [...other.slice(1), process.execPath, "-e", readable]).status === 0;
if (!isRoot) process.stderr.write("SKIPPED: entry points as another user; they run as this one\n");
const place = new Workplace();
let authority: TestAuthority;
let broker: SecureBroker;

interface Container {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  readonly env: NodeJS.ProcessEnv;
  said: string;
  printed: string;
}
const containers: Container[] = [];

/** Volumes of its own, and nothing else that it may write to. */
function volumes(name: string): Record<string, string> {
  const paths = ["data", "cache", "tmp"].map((volume) => place.path("containers", name, volume));
  for (const path of paths) {
    mkdirSync(path, { recursive: true });
    if (isRoot) chownSync(path, uid, uid);
  }
  const [HOME, XDG_CACHE_HOME, TMPDIR] = paths as [string, string, string];
  return { HOME, XDG_CACHE_HOME, TMPDIR };
}

/** As Kubernetes mounts a secret with fsGroup: the group may read it. */
function mountCertificates(name: string): string {
  const mount = place.path("mounts", name);
  cpSync(authority.of(name), mount, { recursive: true });
  chmodSync(mount, 0o755);
  for (const file of readdirSync(mount)) {
    chmodSync(join(mount, file), 0o440);
    if (isRoot) chownSync(join(mount, file), 0, uid);
  }
  return mount;
}

function run(name: string, args: readonly string[], more: Readonly<Record<string, string>>): Container {
  const env: NodeJS.ProcessEnv = { PATH: process.env.PATH, SEEDGROW_HOME: root, ...volumes(name), ...more };
  const entry = [join(root, "deploy/docker/entrypoint.sh"), ...args];
  const [program, ...rest] = isRoot ? [...other, ...entry] : entry;
  const child = spawn(program!, rest, { cwd: place.dir, env, stdio: ["ignore", "pipe", "pipe"] });
  const container = { child, exited: once(child, "close"), env, said: "", printed: "" };
  child.stderr!.on("data", (data) => {
    container.said += data;
  });
  child.stdout!.on("data", (data) => {
    container.said += data;
    container.printed += data;
  });
  containers.push(container);
  return container;
}

/** As Docker runs a HEALTHCHECK: in the container, with its variables. */
function health({ env }: Container): number | null {
  return spawnSync(process.execPath, [join(root, "deploy/docker/health.mjs")], { env }).status;
}

beforeAll(async () => {
  await place.draw(8, 4);
  chmodSync(place.dir, 0o755);
  authority = await TestAuthority.create();
  await authority.add("worker", "worker");
  await authority.add("coordinator", "coordinator");
  broker = await startSecureBroker(authority);
});

afterAll(async () => {
  for (const { child } of containers) if (child.pid !== undefined) kill(child.pid);
  await broker.stop();
  authority.clear();
  place.clear();
});

async function startWorker(name: string, ...args: readonly string[]): Promise<Container> {
  const worker = run(name, ["worker", "--push", "--engine", "simulated", "--simulated-image-ms", "40", ...args], {
    SEEDGROW_NATS: `tls://${broker.url}`,
    SEEDGROW_CERTS_MOUNT: mountCertificates("worker"),
    SEEDGROW_WORKER_HEALTH: String(await freePort()),
  });
  await until("the worker to be ready", () => {
    if (worker.child.exitCode !== null) throw new Error(worker.said);
    return worker.said.includes("ready");
  });
  return worker;
}

test("a worker takes mounted certificates, is healthy, and ends well when it is told to", async () => {
  const worker = await startWorker("one");
  expect(health(worker)).toBe(0);
  const [own] = readdirSync(worker.env.TMPDIR!).filter((name) => name.startsWith("certs-"));
  // Its list of revoked certificates is the mounted one, which changes.
  expect(readFileSync(join(worker.env.TMPDIR!, own!, "ca.crl"))).toEqual(
    readFileSync(join(authority.of("worker"), "ca.crl")),
  );
  worker.child.kill("SIGTERM");
  expect(await worker.exited).toEqual([0, null]);
  expect(health(worker)).toBe(1);
});

test("a run goes on in the next container where the first was stopped, to the weights of one that was not", async () => {
  for (const name of ["two", "three"]) await startWorker(name);
  const sources = [
    "--data",
    place.path("data/train"),
    "--val",
    place.path("data/val"),
    "--masks",
    place.path("data/masks"),
  ];
  const start = (name: string, port: number) =>
    run(name, ["run", ...sources, ...settings({ "method.rounds": 1 })], {
      SEEDGROW_NATS: `tls://${broker.url}`,
      SEEDGROW_CERTS_MOUNT: mountCertificates("coordinator"),
      SEEDGROW_LISTEN: `127.0.0.1:${port}`,
      SEEDGROW_ADVERTISE: "localhost:0",
    });
  const whole = start("whole", 0);
  expect(await whole.exited, whole.said).toEqual([0, null]);
  const first = start("parts", 0);
  await until("training to begin", () => {
    if (first.child.exitCode !== null) throw new Error(first.said);
    const runs = join(first.env.HOME!, "runs");
    const [runId] = readdirSync(first.env.HOME!).includes("runs") ? readdirSync(runs) : [];
    return runId !== undefined && place.events(runId, runs).some(({ phase }) => phase === "train-1");
  });
  expect(health(first)).toBe(0);
  first.child.kill("SIGTERM");
  expect(await first.exited, first.said).toEqual([130, null]);
  const second = start("parts", 0);
  expect(await second.exited, second.said).toEqual([0, null]);
  const weights = ({ printed }: Container) => {
    return (JSON.parse(printed.trim().split("\n").at(-1)!) as { weightsSha256: string }).weightsSha256;
  };
  expect(weights(second)).toBe(weights(whole));
});

test("what a container lacks is named, with the next step", async () => {
  const nowhere = run("lacking", ["--version"], { HOME: "/nonexistent" });
  expect(await nowhere.exited).toEqual([2, null]);
  expect(nowhere.said).toContain("cannot write to /nonexistent\nNext step: mount a volume");
  const version = run("version", ["--version"], {});
  expect(await version.exited, version.said).toEqual([0, null]);
  expect(health(version)).toBe(0);
});

test.skipIf(!isRoot)("a key that its user cannot read is named (skipped unless root)", async () => {
  const mount = mountCertificates("worker");
  copyFileSync(join(authority.of("worker"), "node.key"), join(mount, "node.key"));
  chmodSync(join(mount, "node.key"), 0o400);
  chownSync(join(mount, "node.key"), 0, 0);
  const refused = run("unreadable", ["worker"], { SEEDGROW_CERTS_MOUNT: mount });
  expect(await refused.exited).toEqual([2, null]);
  expect(refused.said).toContain(`user ${uid} cannot read ${mount}/node.key`);
});
