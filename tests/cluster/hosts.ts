/** The machines of a test cluster: three brokers, a head, and GPU machines with an sshd on which cluster.sh starts workers. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { configureNats, refresh } from "../../cli/certs/refresh.js";
import { leaseBucket } from "../../shared/net/subjects.js";
import { findNatsServer } from "../../shared/tool-paths.js";
import { TestAuthority } from "../support/authority.js";
import { SshHost, writeSshConfig } from "../support/ssh-host.js";
import { until } from "../support/until.js";
import { Network } from "./network.js";

const clusterScript = fileURLToPath(new URL("../../deploy/cluster.sh", import.meta.url));
const brokers = ["a", "b", "c"] as const;
const gpus = ["gpu1", "gpu2", "gpu3", "gpu4"] as const;

export class Machines {
  readonly network = new Network();
  readonly dir = mkdtempSync(join(tmpdir(), "seedgrow-cluster-"));
  readonly nats: string;
  private readonly servers = new Map<string, ChildProcess>();
  private readonly sshHosts: SshHost[] = [];
  private sshConfig = "";

  private constructor(readonly authority: TestAuthority) {
    for (const name of [...brokers, "head", ...gpus]) this.network.add(name);
    this.nats = brokers.map((name) => `tls://${this.network.address(name)}:4222`).join(",");
  }

  static async start(): Promise<Machines> {
    const machines = new Machines(await TestAuthority.create());
    // A test that is timed out never comes to its end.
    process.once("exit", machines.end);
    const { authority, network } = machines;
    const named = async (name: string, role: "broker" | "coordinator" | "worker") => {
      await authority.add(name, role, { sans: [network.address(name)] });
    };
    for (const name of brokers) await named(name, "broker");
    await named("head", "coordinator");
    for (const name of gpus) await named(name, "worker");
    for (const name of brokers) await machines.startBroker(name);
    for (const name of gpus) machines.startSshd(name);
    machines.preparePackages();
    machines.sshConfig = writeSshConfig(machines.dir, machines.sshHosts);
    await machines.ask("");
    for (const name of gpus) await until(`sshd of ${name}`, () => machines.reaches(name, 22));
    return machines;
  }

  get certs(): string {
    return this.authority.of("head");
  }

  /** Runs deploy/cluster.sh on the head. @throws when it fails */
  async cluster(command: string, ...args: readonly string[]): Promise<string> {
    const list = join(this.dir, "hosts.txt");
    const address = (name: string) => this.network.address(name);
    writeFileSync(list, gpus.map((name) => `root@${address(name)} name=${name} address=${address(name)}\n`).join(""));
    const up = command === "up" ? ["--nats", this.nats, "--ca", this.authority.dir] : [];
    const line = [clusterScript, command, list, "--ssh-config", this.sshConfig, ...up, ...args];
    const [program, ...rest] = [...this.network.inside("head"), ...line];
    const child = spawn(program!, rest, { env: { ...process.env, NO_COLOR: "1" } });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
    const code = await new Promise((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`cluster.sh ${command} ended with ${code}:\n${said}`);
    return said;
  }

  /** Kills the broker that leads the leases; returns its name. */
  async killLeader(): Promise<string> {
    const leader = await this.ask(`KV_${leaseBucket}`);
    this.servers.get(leader)!.kill("SIGKILL");
    return leader;
  }

  /** Who leads the stream; none: whether JetStream answers. From the head: this process is in no network of theirs. */
  private async ask(stream: string): Promise<string> {
    const script = fileURLToPath(new URL("leader.mjs", import.meta.url));
    const [program, ...args] = [
      ...this.network.inside("head"),
      process.execPath,
      script,
      this.nats,
      this.certs,
      stream,
    ];
    return until("JetStream to answer", () => {
      const { status, stdout } = spawnSync(program!, args, { encoding: "utf8" });
      return status === 0 && stdout.trim();
    });
  }

  private reaches(name: string, port: number): boolean {
    const open = `exec 3<> /dev/tcp/${this.network.address(name)}/${port}`;
    const [program, ...args] = [...this.network.inside("head"), "bash", "-c", open];
    return spawnSync(program!, args, { stdio: "ignore" }).status === 0;
  }

  readonly end = (): void => {
    process.off("exit", this.end);
    for (const server of this.servers.values()) server.kill("SIGKILL");
    for (const host of this.sshHosts) host.end();
    this.network.destroy();
    this.authority.clear();
    rmSync(this.dir, { recursive: true, force: true });
  };

  /** npm's registry is out of reach of these networks. */
  preparePackages(): void {
    for (const host of this.sshHosts) host.preparePackages();
  }

  /** What is left in the homes of the GPU machines. */
  homes(): string[][] {
    return this.sshHosts.map(({ home }) => readdirSync(home));
  }

  async startBroker(name: string): Promise<void> {
    const { authority, network } = this;
    const certsDir = authority.of(name);
    const config = await configureNats(authority.dir, name, {
      ...{ listen: "0.0.0.0:4222", storeDir: join(certsDir, "jetstream"), certsDir },
      cluster: {
        ...{ serverName: name, listen: "0.0.0.0:6222" },
        routes: brokers.map((other) => `${network.address(other)}:6222`),
      },
    });
    await refresh(authority.dir, Date.now());
    const [program, ...args] = [...network.inside(name), findNatsServer(process.env)!, "-c", config];
    this.servers.set(name, spawn(program!, args, { stdio: "ignore" }));
  }

  private startSshd(name: string): void {
    const { network, dir } = this;
    const host = new SshHost({ dir, name, address: network.address(name), port: 22, inside: network.inside(name) });
    this.sshHosts.push(host);
  }
}
