/**
 * The unit in deploy/systemd, and (`npm run cluster-test`) the workers of deploy/cluster.sh on a machine whose user has services
 * that outlive the login, under a real systemd.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type SecureBroker, startSecureBroker, TestAuthority } from "../support/authority.js";
import { freePort } from "../support/ports.js";
import { isRunning } from "../support/processes.js";
import { noSshd, SshHost, writeSshConfig } from "../support/ssh-host.js";
import { until } from "../support/until.js";
import { UserSystemd, whyNoSystemd } from "../support/user-systemd.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const why = whyNoSystemd();
if (why) process.stderr.write(`${why}: deploy/systemd is not tried\n`);

const slot = "seedgrow-worker@0.service";

describe.skipIf(why !== null)("a worker under systemd", () => {
  // The unit has a /tmp of its own.
  const dir = mkdtempSync("/run/seedgrow-systemd-");
  const units = join(dir, "config/systemd/user");
  const logPath = join(dir, "worker.log");
  let systemd: UserSystemd;
  let authority: TestAuthority;
  let broker: SecureBroker;

  beforeAll(async () => {
    authority = await TestAuthority.create();
    for (const name of ["unit", "ssh"]) await authority.add(name, "worker");
    cpSync(authority.of("unit"), join(dir, "certs"), { recursive: true });
    broker = await startSecureBroker(authority);
    systemd = await UserSystemd.start(dir);
    installUnit();
  });

  afterAll(async () => {
    systemd?.end();
    await broker?.stop();
    authority?.clear();
    rmSync(dir, { recursive: true, force: true });
  });

  /** As it is, but for its paths, its user (a user's manager has one), and what a test needs: a log, and no five seconds' wait. */
  function installUnit(): void {
    const unit = readFileSync(join(root, "deploy/systemd/seedgrow-worker@.service"), "utf8")
      .replaceAll("/opt/seedgrow/", root)
      .replaceAll("/etc/seedgrow/", `${dir}/`)
      .replace("User=seedgrow\n", "")
      // These are about file systems of the kernel, of which a user's manager is not the master.
      .replace(/^Protect(KernelTunables|ControlGroups)=yes\n/gm, "");
    writeFileSync(join(units, "seedgrow-worker@.service"), unit);
    mkdirSync(join(units, "seedgrow-worker@.service.d"));
    const output = `StandardOutput=append:${logPath}\nStandardError=append:${logPath}\n`;
    // A clone below /tmp would be hidden by the unit's own.
    const clone = `BindReadOnlyPaths=${root}\n`;
    writeFileSync(
      join(units, "seedgrow-worker@.service.d/test.conf"),
      `[Service]\nRestartSec=200ms\n${output}${clone}`,
    );
  }

  function settings(more = ""): void {
    const lines = [
      `PATH=${process.env.PATH}`,
      `SEEDGROW_WORKER_NATS=${broker.url}`,
      `SEEDGROW_WORKER_CERTS=${dir}/certs`,
      "SEEDGROW_WORKER_ENGINE=simulated",
    ];
    writeFileSync(join(dir, "worker.env"), `${lines.join("\n")}\n${more}`);
    writeFileSync(logPath, "");
  }

  const isReady = () => readFileSync(logPath, "utf8").includes('"msg":"ready"');
  const mainPid = () => Number(systemd.property(slot, "MainPID"));

  test("is started again after a crash, and drains when it is stopped", async () => {
    settings();
    systemd.ctl("daemon-reload");
    systemd.ctl("start", slot);
    await until("the worker to be ready", isReady);
    const first = mainPid();
    writeFileSync(logPath, "");
    process.kill(first, "SIGKILL");
    await until("another one to be ready", isReady);
    expect([systemd.property(slot, "NRestarts"), mainPid() !== first]).toEqual(["1", true]);
    systemd.ctl("stop", slot);
    const ended = ["ActiveState", "Result", "ExecMainStatus"].map((name) => systemd.property(slot, name));
    expect(ended).toEqual(["inactive", "success", "0"]);
    expect(readFileSync(logPath, "utf8")).toContain("drain");
  });

  test("is not started again when a setting is wrong", async () => {
    settings("SEEDGROW_WORKER_ENGINE=steam\n");
    systemd.ctl("reset-failed", slot);
    systemd.ctl("start", slot);
    await until("it to have failed", () => systemd.property(slot, "ActiveState") === "failed");
    const ended = ["Result", "ExecMainStatus", "NRestarts"].map((name) => systemd.property(slot, name));
    expect(ended).toEqual(["exit-code", "2", "0"]);
    expect(readFileSync(logPath, "utf8")).toContain("CONFIG_INVALID");
  });

  test("of cluster.sh is systemd's where the user's services outlive the login", async ({ skip }) => {
    if (process.env.SEEDGROW_CLUSTER !== "all") skip("by `npm run cluster-test` only");
    if (noSshd !== null) skip(noSshd);
    const [ssh, port] = [await freePort(), await freePort()];
    const { HOME: _, ...variables } = systemd.variables;
    const host = new SshHost({
      ...{ dir, name: "ssh", address: "127.0.0.1", port: ssh, inside: systemd.inside },
      variables: { ...variables, SEEDGROW_RESTART_S: "0.2" },
    });
    host.preparePackages();
    const config = writeSshConfig(dir, [host]);
    const list = join(dir, "hosts.txt");
    writeFileSync(list, `${userInfo().username}@127.0.0.1:${ssh} name=ssh port=${port} engine=simulated\n`);
    const cluster = (command: string, ...args: readonly string[]) =>
      spawnSync(join(root, "deploy/cluster.sh"), [command, list, "--ssh-config", config, ...args], {
        encoding: "utf8",
        env: { ...process.env, NO_COLOR: "1" },
      });
    const up = cluster("up", "--nats", broker.url, "--ca", authority.dir);
    expect([up.status, up.stderr]).toEqual([0, expect.stringContaining("worker 0: ready")]);
    const supervisor = Number(readFileSync(join(host.home, ".seedgrow/slots/0.pid"), "utf8"));
    expect(readFileSync(`/proc/${supervisor}/cgroup`, "utf8")).toMatch(/run-r?[0-9a-f]+\.service/);
    expect(cluster("down").status).toBe(0);
    expect([isRunning(supervisor), readdirSync(host.home)]).toEqual([false, []]);
    host.end();
  });
});
