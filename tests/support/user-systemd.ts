/**
 * systemd for real, as one user's manager: it starts, watches and ends services like the machine's own. Needs root, for a mount
 * namespace in which systemd believes that it has booted the machine.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { isRunning, kill } from "./processes.js";
import { until } from "./until.js";

const systemd = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"].find(existsSync);

/** Null: this machine can do it. */
export function whyNoSystemd(): string | null {
  if (systemd === undefined) return "SKIPPED: no systemd here";
  if (process.getuid?.() !== 0) return "SKIPPED: a systemd of our own needs root";
  const probe = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/run"], { encoding: "utf8" });
  return probe.status === 0 ? null : `SKIPPED: no mount namespaces here: ${probe.stderr.trim()}`;
}

export class UserSystemd {
  /** Stands before a program's name to start it where this systemd is. */
  readonly inside: readonly string[];
  /** What programs that talk to it need. */
  readonly variables: Readonly<Record<string, string>>;

  private constructor(
    private readonly pid: number,
    dir: string,
  ) {
    this.inside = ["nsenter", "--mount", "--target", `${pid}`];
    this.variables = { XDG_RUNTIME_DIR: join(dir, "run"), XDG_CONFIG_HOME: join(dir, "config"), HOME: dir };
    process.once("exit", this.end);
  }

  /** @param dir its folder: units in config/systemd/user */
  static async start(dir: string): Promise<UserSystemd> {
    for (const name of ["run", "config/systemd/user"]) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
    // sd_booted(3) asks for the first folder; loginctl enable-linger makes the second file.
    const script = `mount -t tmpfs none /run/systemd && mkdir /run/systemd/system &&
      mkdir -p /var/lib/systemd/linger && mount -t tmpfs none /var/lib/systemd/linger &&
      touch /var/lib/systemd/linger/${userInfo().username} && exec ${systemd} --user --log-target=null`;
    const env = { ...process.env, XDG_RUNTIME_DIR: join(dir, "run"), XDG_CONFIG_HOME: join(dir, "config"), HOME: dir };
    delete (env as NodeJS.ProcessEnv).DBUS_SESSION_BUS_ADDRESS;
    const child = spawn("unshare", ["--mount", "bash", "-c", script], { env, stdio: "ignore", detached: true });
    const manager = new UserSystemd(child.pid!, dir);
    await until("systemd", () => manager.ctl("is-active", "default.target") === "active");
    return manager;
  }

  /** `systemctl --user`: what it prints. */
  ctl(...args: readonly string[]): string {
    const [program, ...rest] = [...this.inside, "systemctl", "--user", ...args];
    const env = { ...process.env, ...this.variables };
    return spawnSync(program!, rest, { encoding: "utf8", env }).stdout.trim();
  }

  property(unit: string, name: string): string {
    return this.ctl("show", unit, "--value", "--property", name);
  }

  readonly end = (): void => {
    process.off("exit", this.end);
    this.ctl("exit");
    // It ends its services first; killed too early, it leaves them behind.
    for (let i = 0; i < 50 && isRunning(this.pid); i++) spawnSync("sleep", ["0.1"]);
    kill(this.pid);
  };
}
