/** An sshd for one "machine": its own key, its own home, and one user's key let in. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { kill } from "./processes.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sshd = ["/usr/sbin/sshd", "/usr/bin/sshd"].find(existsSync);
/** Null: there is one. */
export const noSshd =
  sshd === undefined || spawnSync("ssh", ["-V"]).status !== 0 ? "SKIPPED: no sshd here (openssh-server)" : null;

export interface SshHostOptions {
  /** Everything of the machine, and of the user who calls, lies here. */
  readonly dir: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Before the program: ["ip", "netns", "exec", ...]. */
  readonly inside?: readonly string[];
  readonly variables?: Readonly<Record<string, string>>;
}

export class SshHost {
  readonly home: string;
  private readonly pid: number;

  constructor(private readonly options: SshHostOptions) {
    const { dir, name, address, port, inside = [] } = options;
    this.home = join(dir, name);
    mkdirSync(this.home, { recursive: true });
    makeKey(join(dir, `${name}.key`));
    makeKey(join(dir, "user.key"));
    const variables = { HOME: this.home, ...options.variables };
    const lines = [
      `Port ${port}`,
      `ListenAddress ${address}`,
      `HostKey ${join(dir, `${name}.key`)}`,
      `AuthorizedKeysFile ${join(dir, "user.key.pub")}`,
      ...[
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "PermitRootLogin prohibit-password",
      ],
      // The folder of tests belongs to all.
      ...["StrictModes no", "PidFile none", "MaxStartups 100"],
      `SetEnv ${Object.entries(variables)
        .map(([key, value]) => `${key}=${value}`)
        .join(" ")}`,
    ];
    writeFileSync(join(dir, `${name}.sshd`), `${lines.join("\n")}\n`);
    if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true });
    const [program, ...args] = [...inside, sshd!, "-D", "-e", "-f", join(dir, `${name}.sshd`)];
    this.pid = spawn(program!, args, { stdio: "ignore" }).pid!;
    process.once("exit", this.end);
  }

  /** A machine on which an earlier version has installed the same packages. */
  preparePackages(): void {
    const lock = createHash("sha256")
      .update(readFileSync(join(root, "package-lock.json")))
      .digest("hex");
    const packages = join(this.home, ".seedgrow/packages", lock.slice(0, 16));
    mkdirSync(packages, { recursive: true });
    symlinkSync(join(root, "node_modules"), join(packages, "node_modules"));
  }

  /** Of known_hosts. */
  get knownLine(): string {
    const { dir, name, address, port } = this.options;
    const [kind, key] = readFileSync(join(dir, `${name}.key.pub`), "utf8").split(" ");
    return `${port === 22 ? address : `[${address}]:${port}`} ${kind} ${key}`;
  }

  readonly end = (): void => {
    process.off("exit", this.end);
    kill(this.pid);
  };
}

/** For --ssh-config: the key of the user, and the machines that are known. */
export function writeSshConfig(dir: string, known: readonly SshHost[]): string {
  const path = join(dir, "ssh_config");
  writeFileSync(join(dir, "known_hosts"), known.map(({ knownLine }) => `${knownLine}\n`).join(""));
  const lines = [
    `IdentityFile ${join(dir, "user.key")}`,
    "IdentitiesOnly yes",
    `UserKnownHostsFile ${join(dir, "known_hosts")}`,
    "GlobalKnownHostsFile /dev/null",
  ];
  writeFileSync(path, `Host *\n${lines.map((line) => `  ${line}\n`).join("")}`);
  return path;
}

function makeKey(path: string): void {
  if (existsSync(path)) return;
  const made = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`ssh-keygen: ${made.stderr}`);
}
