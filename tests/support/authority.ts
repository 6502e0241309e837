/** A CA for a test, and a nats-server that runs with the configuration it generates. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createAuthority,
  type Issued,
  type IssueOptions,
  issue,
  listIssued,
  nodeDir,
  revoke,
} from "../../cli/certs/authority.js";
import { configureNats, refresh } from "../../cli/certs/refresh.js";
import type { Role } from "../../shared/net/identity.js";
import { loadTrust, type Trust } from "../../shared/net/trust.js";
import { findNatsServer } from "../../shared/tool-paths.js";
import { freePort } from "./ports.js";
import { until } from "./until.js";

const all = ["coordinator", "worker", "viewer", "broker"] as const;

export class TestAuthority {
  private readonly held = new Map<string, Trust>();
  readonly dir = mkdtempSync(join(tmpdir(), "seedgrow-ca-"));

  static async create(): Promise<TestAuthority> {
    const authority = new TestAuthority();
    await createAuthority(authority.dir, 10, Date.now());
    return authority;
  }

  /** Returns the node's folder: for --certs. */
  async add(name: string, role: Role, overrides: Partial<IssueOptions> = {}): Promise<string> {
    const local = role === "viewer" ? [] : ["localhost", "127.0.0.1", "::1"];
    await issue(this.dir, { name, role, sans: local, days: 1, nowMs: Date.now(), ...overrides });
    await refresh(this.dir, Date.now());
    return this.of(name);
  }

  of(name: string): string {
    return nodeDir(this.dir, name);
  }

  /** As a process with any purpose would read it. */
  async trust(name: string): Promise<Trust> {
    const trust = this.held.get(name) ?? (await loadTrust(this.of(name), { roles: all, nowMs: Date.now() }));
    this.held.set(name, trust);
    return trust;
  }

  async list(): Promise<Issued[]> {
    return listIssued(this.dir);
  }

  async revoke(name: string): Promise<void> {
    this.held.delete(name);
    const serials = (await this.list()).filter((one) => one.name === name).map(({ serial }) => serial);
    await revoke(this.dir, serials, Date.now());
    await refresh(this.dir, Date.now());
  }

  clear(): void {
    for (const { revocations } of this.held.values()) revocations.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface SecureBroker {
  /** host:port. */
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** A broker of `authority` named "nats". @param at host:port, where it was before. */
export async function startSecureBroker(authority: TestAuthority, at?: string): Promise<SecureBroker> {
  const url = at ?? `127.0.0.1:${await freePort()}`;
  const certsDir = await authority.add("nats", "broker");
  rmSync(join(certsDir, "nats-server.pid"), { force: true });
  const config = await configureNats(authority.dir, "nats", {
    ...{ listen: url, storeDir: join(certsDir, "jetstream"), certsDir },
  });
  await refresh(authority.dir, Date.now());
  const child: ChildProcess = spawn(findNatsServer(process.env)!, ["-c", config], { stdio: "ignore" });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const exited = once(child, "exit");
  await until("nats-server to write its pid", () => existsSync(join(certsDir, "nats-server.pid")));
  return {
    url,
    stop: async () => {
      process.off("exit", end);
      child.kill("SIGKILL");
      await exited;
    },
  };
}
