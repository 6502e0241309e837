/**
 * deploy/cluster.sh for real: two machines with an sshd each (own key, own home), a broker with certificates, workers that
 * are started, kept, changed, killed, interrupted and ended over ssh.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SecureBroker, startSecureBroker, TestAuthority } from "../support/authority.js";
import { freePort } from "../support/ports.js";
import { descendantsOf, isRunning, kill } from "../support/processes.js";
import { noSshd, SshHost, writeSshConfig } from "../support/ssh-host.js";
import { until } from "../support/until.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const script = join(root, "deploy/cluster.sh");
if (noSshd) process.stderr.write(`${noSshd}: deploy/cluster.sh is not tried\n`);

interface Report {
  readonly ok: boolean;
  readonly hosts: readonly {
    readonly name: string;
    readonly code: number;
    readonly slots: readonly { readonly slot: number; readonly state: string; readonly details: readonly string[] }[];
    readonly error: { readonly code: string; readonly message: string } | null;
  }[];
}

describe.skipIf(noSshd !== null)("deploy/cluster.sh", () => {
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-hosts-"));
  const hosts: SshHost[] = [];
  let authority: TestAuthority;
  let broker: SecureBroker;
  let config = "";
  let ports: number[] = [];
  const listPath = join(dir, "hosts.txt");

  beforeAll(async () => {
    authority = await TestAuthority.create();
    for (const name of ["gpu1", "gpu2"]) await authority.add(name, "worker");
    broker = await startSecureBroker(authority);
    ports = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
    for (const [i, name] of ["gpu1", "gpu2"].entries()) {
      const variables = { SEEDGROW_RESTART_S: "0.2" };
      hosts.push(new SshHost({ dir, name, address: "127.0.0.1", port: ports[i]!, variables }));
    }
    config = writeSshConfig(dir, hosts);
    await Promise.all(ports.slice(0, 2).map((port) => until("sshd", () => sshAnswers(port))));
  });

  afterAll(async () => {
    await cluster("down").catch(() => undefined);
    for (const host of hosts) host.end();
    await broker.stop();
    authority.clear();
    rmSync(dir, { recursive: true, force: true });
  });

  function sshAnswers(port: number): boolean {
    return (
      spawnSync("ssh", ["-F", config, "-o", "BatchMode=yes", "-p", String(port), "127.0.0.1", "true"]).status === 0
    );
  }

  function list(gpu2 = ""): void {
    const user = userInfo().username;
    const line = (i: number, more: string) =>
      `${user}@127.0.0.1:${ports[i]} name=gpu${i + 1} port=${ports[i + 2]} engine=simulated ${more}\n`;
    writeFileSync(listPath, line(0, "gpus=3") + line(1, gpu2));
  }

  function start(command: string, ...args: readonly string[]) {
    const flags = ["--ssh-config", config, "--json"];
    const up = command === "up" ? ["--nats", broker.url, "--ca", authority.dir] : [];
    const env = { ...process.env, NO_COLOR: "1" };
    return spawn(script, [command, listPath, ...up, ...flags, ...args], { env });
  }

  async function cluster(
    command: string,
    ...args: readonly string[]
  ): Promise<Report & { code: number; said: string }> {
    const child = start(command, ...args);
    let [stdout, said] = ["", ""];
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      said += data;
    });
    const code = await new Promise<number>((resolve) => child.once("close", resolve));
    return { ...(JSON.parse(stdout || "{}") as Report), code, said };
  }

  const ours = (host: SshHost) => join(host.home, ".seedgrow");
  const supervisor = (host: SshHost, slot = 0) => Number(readFileSync(join(ours(host), `slots/${slot}.pid`), "utf8"));
  const worker = (host: SshHost) => Number(readFileSync(join(ours(host), "slots/0.state"), "utf8").split(" ")[1]);

  test("doctor --hosts looks at all of them, and leaves nothing", async () => {
    list("gpus=7");
    const args = ["doctor", "--hosts", listPath, "--nats", `${broker.url},127.0.0.1:1`, "--ssh-config", config];
    const { status, stdout } = spawnSync(process.execPath, [join(root, "bin/seedgrow"), ...args, "--json"], {
      encoding: "utf8",
    });
    interface Checks {
      readonly machines: readonly {
        readonly checks: readonly { readonly name: string; readonly verdict: string; readonly value: string }[];
      }[];
    }
    const { machines } = JSON.parse(stdout) as Checks;
    const [gpu1, gpu2] = machines.map(({ checks }) => new Map(checks.map((check) => [check.name, check])));
    // There is no GPU 7, and no GPU 3 either.
    expect([status, gpu1!.get("gpu")!.verdict, gpu2!.get("gpu")!.verdict]).toEqual([4, "fail", "fail"]);
    expect(gpu1!.get("node")).toMatchObject({ verdict: "ok", value: process.versions.node });
    expect(gpu1!.get("clock")!.verdict).toBe("ok");
    expect(gpu1!.get("nats")).toMatchObject({ verdict: "warn", value: expect.stringContaining("127.0.0.1:1") });
    expect(readdirSync(hosts[0]!.home)).toEqual([]);
  });

  test("up starts a worker on every machine, with its certificate, GPU and key for nobody else", async () => {
    for (const host of hosts) host.preparePackages();
    list();
    const { code, hosts: reported, said } = await cluster("up");
    expect([code, said]).toEqual([0, expect.stringContaining("gpu1  worker 0: ready")]);
    expect(reported.map(({ name, slots }) => [name, slots.map(({ state }) => state)])).toEqual([
      ["gpu1", ["ready"]],
      ["gpu2", ["ready"]],
    ]);
    const node = join(ours(hosts[0]!), "node");
    expect(readdirSync(node).sort()).toEqual(["ca.crl", "ca.crt", "node.crt", "node.key"]);
    for (const file of readdirSync(node)) expect(statSync(join(node, file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(node, "node.key"))).toEqual(readFileSync(join(authority.of("gpu1"), "node.key")));
    const variables = readFileSync(`/proc/${worker(hosts[0]!)}/environ`, "utf8").split("\0");
    expect(variables).toContain("CUDA_VISIBLE_DEVICES=3");
    const commandLine = readFileSync(`/proc/${worker(hosts[0]!)}/cmdline`, "utf8");
    expect(commandLine).not.toContain("KEY");
  });

  test("again changes nothing, sends nothing; a changed line or certificate starts that machine's workers anew", async () => {
    const before = hosts.map((host) => supervisor(host));
    const again = await cluster("up");
    expect(again.said).not.toContain("copying");
    expect(again.hosts.flatMap(({ slots }) => slots.map(({ state }) => state))).toEqual(["kept", "kept"]);
    list("memoryMb=77");
    const changed = await cluster("up");
    expect(changed.hosts.flatMap(({ slots }) => slots.map(({ state }) => state))).toEqual(["kept", "ready"]);
    expect(hosts.map((host) => supervisor(host) === before[hosts.indexOf(host)])).toEqual([true, false]);
    expect(isRunning(before[1]!)).toBe(false);
    await authority.add("gpu1", "worker");
    const renewed = await cluster("up", "--only", "gpu1");
    expect(renewed.hosts.map(({ slots }) => slots.map(({ state }) => state))).toEqual([["ready"]]);
    expect(isRunning(before[0]!)).toBe(false);
  });

  test("a worker that is killed comes back; status says so", async () => {
    const killed = worker(hosts[0]!);
    kill(killed);
    await until("another worker", () => worker(hosts[0]!) !== killed && isRunning(worker(hosts[0]!)));
    const { hosts: seen } = await until("it to be running", async () => {
      const status = await cluster("status");
      return status.code === 0 && status;
    });
    expect(seen[0]!.slots[0]).toMatchObject({ slot: 0, state: "running" });
    expect(seen[0]!.slots[0]!.details[0]).toBe(String(worker(hosts[0]!)));
  });

  test("logs are printed, followed, and nothing goes on reading them afterwards", async () => {
    const printed = spawnSync(script, ["logs", listPath, "--ssh-config", config, "--only", "gpu1"], {
      ...{ encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
    });
    expect(printed.stdout).toMatch(/^gpu1\/0 {2}\{.*"msg":"ready"/m);
    expect(printed.stdout).not.toContain("gpu2/");
    const following = start("logs", "--follow");
    let said = "";
    following.stdout.on("data", (data) => {
      said += data;
    });
    await until("both logs", () => ["gpu1/0", "gpu2/0"].every((name) => said.includes(name)));
    const readers = () => descendantsOf(1).filter(({ command }) => command.startsWith(`tail -n 20 -F ${dir}`));
    expect(readers()).toHaveLength(2);
    following.kill("SIGINT");
    expect(await new Promise((resolve) => following.once("close", resolve))).toBe(130);
    await until("the readers to be gone", () => readers().length === 0);
  });

  test("down ends the workers and leaves nothing", async () => {
    const pids = hosts.flatMap((host) => [supervisor(host), worker(host)]);
    expect((await cluster("down")).code).toBe(0);
    expect(pids.filter(isRunning)).toEqual([]);
    expect(hosts.map((host) => readdirSync(host.home))).toEqual([[], []]);
    expect((await cluster("status")).hosts.map(({ slots }) => slots)).toEqual([[], []]);
  });

  test("Ctrl-C in the middle of up takes back what it began", async () => {
    hosts[0]!.preparePackages();
    list();
    // The second one installs packages, which takes long.
    const child = start("up");
    await until("both to be at work", () => hosts.every((host) => existsSync(join(ours(host), "bundles"))));
    await until("a worker", () => existsSync(join(ours(hosts[0]!), "slots/0.pid")));
    child.kill("SIGINT");
    const code = await new Promise<number>((resolve) => child.once("close", resolve));
    expect(code).toBe(130);
    expect(hosts.map((host) => readdirSync(host.home))).toEqual([[], []]);
  });

  test("what does not start is told in its own words, with its exit code", async () => {
    for (const host of hosts) host.preparePackages();
    list(`listen=127.0.0.1:1`);
    expect((await cluster("up")).code).toBe(2);
    list(`data=/nowhere`);
    const taken = (await import("node:net")).createServer().listen(ports[3], "0.0.0.0");
    const { code, hosts: reported, said } = await cluster("up");
    taken.close();
    expect(said).toContain("[PORT_BUSY]");
    expect(code).toBe(4);
    expect(reported.map(({ slots }) => slots[0]!.state)).toEqual(["ready", "failed"]);
    await cluster("down");
  });

  test("a machine whose key is not known, or that is not there, is not talked to; the others are", async () => {
    list();
    writeSshConfig(dir, [hosts[0]!]);
    const { code, hosts: seen } = await cluster("status");
    writeSshConfig(dir, hosts);
    expect([code, seen[0]!.error, seen[1]!.error]).toEqual([
      5,
      null,
      expect.objectContaining({ code: "HOST_UNREACHABLE", message: expect.stringContaining("verification failed") }),
    ]);
  });

  test("a machine without a certificate is named with the command that makes one, before any is touched", async () => {
    writeFileSync(listPath, `127.0.0.1:${ports[0]} name=gpu9\n`);
    const { code, said } = await cluster("up");
    expect([code, said]).toEqual([4, expect.stringContaining("seedgrow certs add gpu9 --role worker --san 127.0.0.1")]);
  });
});

describe("the supervisor", () => {
  const home = mkdtempSync(join(tmpdir(), "seedgrow-supervise-"));
  mkdirSync(join(home, "current/bin"), { recursive: true });
  mkdirSync(join(home, "slots"));
  mkdirSync(join(home, "logs"));
  writeFileSync(join(home, "slots/0.env"), "# comment\nSAID=a b=c $HOME\n");
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  /** A worker that does this; returns the supervisor's exit code, how often it ran, and what was noted last. */
  function superviseOf(script: string) {
    rmSync(join(home, "runs"), { force: true });
    writeFileSync(join(home, "current/bin/seedgrow"), `#!/bin/bash\necho "$SAID" >> ${home}/runs\n${script}\n`);
    chmodSync(join(home, "current/bin/seedgrow"), 0o755);
    const env = { ...process.env, SEEDGROW_RESTART_S: "0" };
    return spawn("bash", [join(root, "deploy/supervise.sh"), home, "0"], { env, stdio: "ignore" });
  }

  const runs = () => readFileSync(join(home, "runs"), "utf8").trim().split("\n");
  const state = () => readFileSync(join(home, "slots/0.state"), "utf8").split(" ").slice(0, 2);
  const end = (child: ReturnType<typeof superviseOf>) => new Promise((resolve) => child.once("close", resolve));

  test("does not try again what a wrong setting has ended, and hands variables on as they are", async () => {
    expect(await end(superviseOf("exit 2"))).toBe(2);
    expect([runs(), state()]).toEqual([["a b=c $HOME"], ["failed", "2"]]);
  });

  test("gives up after ten deaths in five minutes", async () => {
    expect(await end(superviseOf("exit 4"))).toBe(4);
    expect([runs().length, state()]).toEqual([10, ["failed", "4"]]);
  });

  test("hands SIGTERM on, waits for the worker and does not start another", async () => {
    const child = superviseOf(
      `trap 'sleep 0.3; echo drained >> ${home}/runs; exit 0' TERM\nwhile :; do sleep 0.05; done`,
    );
    await until("the worker", () => existsSync(join(home, "runs")));
    child.kill("SIGTERM");
    expect(await end(child)).toBe(0);
    expect([runs().at(-1), state()]).toEqual(["drained", ["stopped", "0"]]);
  });
});
