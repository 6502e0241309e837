/** After a certificate was issued or revoked: every node's folder gets the new CRL, every broker's the list of users. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { certFiles } from "../../shared/net/trust.js";
import { type Issued, listIssued, nodeDir } from "./authority.js";
import { isThere, writeSecret } from "./files.js";
import { type NatsConfigOptions, natsConfig, usersConfig } from "./nats-config.js";

export const natsFiles = { config: "nats-server.conf", users: "users.conf", pid: "nats-server.pid" } as const;

/** Returns the process ids of nats-servers here that read their users anew. */
export async function refresh(dir: string, nowMs: number): Promise<number[]> {
  const issued = await listIssued(dir);
  const crl = await readFile(join(dir, "ca.crl"));
  const reloaded: number[] = [];
  for (const name of await readdir(join(dir, "nodes")).catch(() => [])) {
    const node = nodeDir(dir, name);
    await writeSecret(join(node, certFiles.revoked), crl);
    if (!(await isThere(join(node, natsFiles.config)))) continue;
    await writeSecret(join(node, natsFiles.users), usersConfig(issued.filter((one) => isGood(one, nowMs))));
    const pid = await reload(join(node, natsFiles.pid));
    if (pid !== null) reloaded.push(pid);
  }
  return reloaded;
}

/** Writes the configuration of a broker's nats-server into its folder. */
export async function configureNats(dir: string, name: string, options: NatsConfigOptions): Promise<string> {
  const path = join(nodeDir(dir, name), natsFiles.config);
  await writeSecret(path, natsConfig(options));
  return path;
}

export function isGood({ revokedAt, notAfter }: Issued, nowMs: number): boolean {
  return revokedAt === null && notAfter.getTime() > nowMs;
}

/** Null: it does not run, or not here. */
async function reload(pidFile: string): Promise<number | null> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => ""));
  if (!Number.isInteger(pid) || pid < 2) return null;
  // The number may be another process's by now.
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  if (!command.includes("nats-server")) return null;
  process.kill(pid, "SIGHUP");
  return pid;
}
