/**
 * A cluster over TLS, looked at from all sides for what nobody may see: private keys and the token of a page. In arguments of
 * processes, in what they print, on NATS, and in every file that a run leaves.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectBus } from "../../shared/net/bus.js";
import { type SecureBroker, startSecureBroker, TestAuthority } from "../support/authority.js";
import { freePort } from "../support/ports.js";
import { descendantsOf, kill } from "../support/processes.js";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

const token = "a-token-that-nobody-should-see-4711";
const place = new Workplace();
const started: Seedgrow[] = [];
let authority: TestAuthority;
let broker: SecureBroker;

beforeAll(async () => {
  await place.draw(8, 4);
  authority = await TestAuthority.create();
  for (const name of ["gpu1", "gpu2"]) await authority.add(name, "worker");
  await authority.add("head", "coordinator");
  broker = await startSecureBroker(authority);
});

afterAll(async () => {
  for (const { pid } of started) kill(pid);
  await broker.stop();
  authority.clear();
  place.clear();
});

function start(...args: readonly string[]): Seedgrow {
  const run = place.start(args, { SEEDGROW_DEBUG: "1" });
  started.push(run);
  return run;
}

/** What a key looks like wherever it goes: lines of its PEM, and its bytes. */
function secrets(): Buffer[] {
  const names = ["gpu1", "gpu2", "head", "nats"].map((name) => join(authority.of(name), "node.key"));
  const pems = [...names, join(authority.dir, "ca.key")].map((path) => readFileSync(path, "utf8"));
  const lines = pems.flatMap((pem) => pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----")));
  const bodies = pems.map((pem) => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64"));
  // Of a PKCS #8 key of P-256 the number itself is 32 bytes from byte 36 on; what is around it is the same in all.
  const numbers = bodies.map((body) => body.subarray(36, 68));
  return [Buffer.from(token), Buffer.from("PRIVATE KEY"), ...lines.map((line) => Buffer.from(line)), ...numbers];
}

function filesBelow(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir, { recursive: true }) as string[];
  return names.map((name) => join(dir, name)).filter((path) => statSync(path).isFile());
}

function argumentsOf(pids: readonly number[]): Buffer[] {
  return pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`));
}

test("no key and no token is in arguments, output, messages or files of a run over TLS", async () => {
  const heard: Buffer[] = [];
  const bus = await connectBus({ url: broker.url, name: "listener", trust: await authority.trust("head") });
  const everything = bus.connection.subscribe("seedgrow.>");
  void (async () => {
    for await (const message of everything) heard.push(Buffer.from(message.data));
  })();
  const tokenFile = place.path("token");
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 });
  for (const name of ["gpu1", "gpu2"])
    start(
      ...["worker", "--id", name, "--nats", broker.url, "--certs", authority.of(name)],
      ...["--engine", "simulated", "--simulated-image-ms", "40"],
    );
  const port = await freePort();
  const page = start("dashboard", "--port", String(port), "--token-file", tokenFile, "--runs", place.path("runs"));
  const run = place.train(["--nats", broker.url, "--certs", authority.of("head")], { "method.rounds": 1 });
  started.push(run);
  await place.event(run, "phase-started", { phase: "classify" });
  const answer = await until("the page to answer", () => {
    return fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } }).catch(() => null);
  });
  expect([200, 302]).toContain(answer.status);
  const argv = argumentsOf(started.flatMap(({ pid }) => [pid, ...descendantsOf(pid).map((info) => info.pid)]));
  await run.ends(0);
  // A worker without its coordinator, and a certificate that is refused, have the most to say.
  await place.seedgrow("worker", "--nats", broker.url, "--certs", authority.of("nats")).ends(4);
  await bus.connection.close();
  const printed = started.map(({ stdout, stderr }) => Buffer.from(stdout + stderr));
  const files = ["runs", "cache"].flatMap((dir) => filesBelow(place.path(dir)));
  const stored = filesBelow(join(authority.of("nats"), "jetstream"));
  const contents = [...files, ...stored].map((path) => readFileSync(path));
  // Otherwise nothing was looked at.
  expect([argv.length > 3, heard.length > 10, files.length > 20, stored.length > 3]).toEqual([true, true, true, true]);
  expect(printed.join("\n")).toContain("ready");
  const seen = [...argv, ...heard, ...printed, ...contents];
  const found = (all: readonly Buffer[]) => secrets().filter((secret) => all.some((bytes) => bytes.includes(secret)));
  expect(found(seen).map(String)).toEqual([]);
  // A key as text and as bytes would have been found.
  const pem = readFileSync(join(authority.of("head"), "node.key"));
  const der = Buffer.from(pem.toString().replace(/-----[^-]+-----|\s/g, ""), "base64");
  expect([found([pem]).length > 2, found([der]).length]).toEqual([true, 1]);
  // The path of the folder is no secret, and is there: the search finds what is to be found.
  expect(seen.some((bytes) => bytes.includes(authority.of("head")))).toBe(true);
  expect(page.child.exitCode).toBe(null);
});
