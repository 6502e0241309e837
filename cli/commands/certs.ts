/** `seedgrow certs`: a private CA, certificates for the machines of a cluster, and the list of those revoked. */
import { join, resolve } from "node:path";
import Table from "cli-table3";
import { Command, InvalidArgumentError, Option } from "commander";
import pc from "picocolors";
import { AppError } from "../../shared/errors.js";
import { addressesOf } from "../../shared/net/exposure.js";
import { type Role, roles } from "../../shared/net/identity.js";
import type { Issued } from "../certs/authority.js";
import type { NatsClusterOptions } from "../certs/nats-config.js";
import { configDir } from "../certs/place.js";
import { collect, wholeNumber } from "../options.js";
import { note, out, outJson } from "../output.js";

interface DirFlags {
  readonly dir: string;
  readonly json?: boolean;
}

interface IssueFlags extends DirFlags {
  readonly san: string[];
  readonly days: number;
}

interface NatsFlags extends DirFlags {
  readonly listen: string;
  readonly cluster?: string;
  readonly routes?: string;
  readonly store?: string;
  readonly at?: string;
}

const certDaysDefault = 365;
const caDaysDefault = 3650;
const dayMs = 24 * 3600 * 1000;

export function certsCommand(): Command {
  return new Command("certs")
    .description("a private CA for a cluster: issue, renew, list and revoke the certificates of its machines")
    .addCommand(initCommand())
    .addCommand(addCommand())
    .addCommand(renewCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand())
    .addCommand(natsConfigCommand())
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow certs init                                              once, on the machine that keeps the CA's key
  $ seedgrow certs add nats --role broker --san head
  $ seedgrow certs add head --role coordinator
  $ seedgrow certs add gpu1 --role worker --san 10.0.0.7
  $ seedgrow certs nats-config nats --listen 0.0.0.0:4222            then: nats-server -c .../nodes/nats/nats-server.conf
  $ seedgrow certs nats-config a --cluster 0.0.0.0:6222 --routes a:6222,b:6222,c:6222      of a cluster of three
  $ scp -r ~/.config/seedgrow/certs/nodes/gpu1 gpu1:.config/seedgrow-node
  $ seedgrow certs revoke gpu1                                       it is out, at once

A process is given its node's folder: --certs DIR, or SEEDGROW_CERTS=DIR. Who may do what: docs/SECURITY.md.`,
    );
}

function initCommand(): Command {
  return withDir(new Command("init"))
    .description("make the CA; its key never leaves the folder")
    .option("--days <n>", "how long it is good", wholeNumber(1, 36_500), caDaysDefault)
    .action(async (flags: DirFlags & { readonly days: number }) => {
      const { createAuthority } = await import("../certs/authority.js");
      const dir = resolve(flags.dir);
      await createAuthority(dir, flags.days, Date.now());
      if (flags.json) outJson({ dir });
      else out(`${dir} is a CA: keep ca.key there, copy nodes/NAME to the machines`);
    });
}

function addCommand(): Command {
  return withIssueFlags(new Command("add"))
    .description("issue a certificate for a machine, and write the folder that is copied there")
    .argument("<name>", "name of the machine: also its DNS name", nodeName)
    .addOption(new Option("--role <role>", "what it may do").choices(roles).makeOptionMandatory())
    .action(async (name: string, flags: IssueFlags & { readonly role: Role }) => {
      const { listIssued } = await import("../certs/authority.js");
      if ((await listIssued(resolve(flags.dir))).some((one) => one.name === name)) {
        throw new AppError("USAGE", `${name} has a certificate already`, {
          hint: `\`seedgrow certs renew ${name}\` gives it another, \`seedgrow certs list\` shows all.`,
        });
      }
      await issueAndTell(name, flags.role, flags.san, flags);
    });
}

function renewCommand(): Command {
  return withIssueFlags(new Command("renew"))
    .description("issue another certificate with the same role and names; the old one stays good until it ends")
    .argument("<name>", "a machine that has one", nodeName)
    .option("--revoke-old", "take the old ones back at once")
    .action(async (name: string, flags: IssueFlags & { readonly revokeOld?: boolean }) => {
      const held = await certificatesOf(flags.dir, name);
      const { role, sans } = held.at(-1)!;
      if (flags.revokeOld) await revokeAll(flags.dir, held);
      await issueAndTell(name, role, [...sans, ...flags.san], flags);
    });
}

function listCommand(): Command {
  return withDir(new Command("list"))
    .description("show every certificate: role, names, days left")
    .action(async (flags: DirFlags) => {
      const { listIssued } = await import("../certs/authority.js");
      const all = await listIssued(resolve(flags.dir));
      if (flags.json) outJson(all.map(jsonOf));
      else out(tableOf(all, Date.now()));
    });
}

function revokeCommand(): Command {
  return withDir(new Command("revoke"))
    .description("take back the certificates of a machine: nobody listens to it any more")
    .argument("<name>", "a machine that has one", nodeName)
    .action(async (name: string, flags: DirFlags) => {
      const held = await certificatesOf(flags.dir, name);
      const reloaded = await revokeAll(flags.dir, held);
      if (flags.json) outJson({ name, serials: held.map(({ serial }) => serial), natsReloaded: reloaded });
      else out(`revoked ${held.length} certificate(s) of ${name}`);
      tellReloaded(reloaded);
      note("other machines: copy nodes/*/ca.crl there; running processes read it within seconds");
    });
}

function natsConfigCommand(): Command {
  return withDir(new Command("nats-config"))
    .description("write nats-server's configuration for a broker's certificate: TLS, and users with their permissions")
    .argument("<name>", "a machine of role broker", nodeName)
    .option("--listen <host:port>", "where it listens", "0.0.0.0:4222")
    .option("--cluster <host:port>", "one of several servers: where it listens for the others")
    .option("--routes <addresses>", "with --cluster: host:port of all of them, separated by commas")
    .option("--store <dir>", "folder of JetStream's files (default: jetstream beside the configuration)")
    .option("--at <dir>", "where the folder will be on the broker's machine (default: where it is here)")
    .action(async (name: string, flags: NatsFlags) => {
      const cluster = clusterOf(name, flags);
      const [held] = await certificatesOf(flags.dir, name);
      if (held!.role !== "broker") throw new AppError("CERT_ROLE", `${name} is a ${held!.role}, not a broker`);
      const { configureNats, refresh } = await import("../certs/refresh.js");
      const dir = resolve(flags.dir);
      const certsDir = flags.at ?? join(dir, "nodes", name);
      const storeDir = flags.store ?? join(certsDir, "jetstream");
      const path = await configureNats(dir, name, {
        ...{ listen: flags.listen, storeDir, certsDir },
        ...(cluster && { cluster }),
      });
      tellReloaded(await refresh(dir, Date.now()));
      if (flags.json) outJson({ config: path });
      else out(`nats-server -c ${path}`);
    });
}

function clusterOf(name: string, { cluster, routes }: NatsFlags): NatsClusterOptions | undefined {
  if (cluster === undefined && routes === undefined) return undefined;
  if (cluster !== undefined && routes !== undefined) {
    return { serverName: name, listen: cluster, routes: addressesOf(routes) };
  }
  throw new AppError("USAGE", "--cluster and --routes go together", {
    hint: "--cluster 0.0.0.0:6222 --routes a:6222,b:6222,c:6222, the same routes on every server.",
  });
}

async function issueAndTell(name: string, role: Role, sans: readonly string[], flags: IssueFlags): Promise<void> {
  const { issue, nodeDir } = await import("../certs/authority.js");
  const { refresh } = await import("../certs/refresh.js");
  const dir = resolve(flags.dir);
  // Several workers, or a tunnel, on the machine itself are called by these.
  const local = role === "viewer" ? [] : [name, "localhost", "127.0.0.1", "::1"];
  const names = [...new Set([...sans.flatMap(addressesOf), ...local])];
  const issued = await issue(dir, { name, role, sans: names, days: flags.days, nowMs: Date.now() });
  const reloaded = await refresh(dir, Date.now());
  if (flags.json) outJson({ ...jsonOf(issued), dir: nodeDir(dir, name) });
  else
    out(
      `${nodeDir(dir, name)} makes ${name} a ${role} until ${day(issued.notAfter)}: copy it there, --certs is its folder`,
    );
  tellReloaded(reloaded);
}

async function revokeAll(flagsDir: string, held: readonly Issued[]): Promise<number[]> {
  const { revoke } = await import("../certs/authority.js");
  const { refresh } = await import("../certs/refresh.js");
  const dir = resolve(flagsDir);
  await revoke(
    dir,
    held.map(({ serial }) => serial),
    Date.now(),
  );
  return refresh(dir, Date.now());
}

/** Oldest first. @throws AppError USAGE when there is none. */
async function certificatesOf(dir: string, name: string): Promise<Issued[]> {
  const { listIssued } = await import("../certs/authority.js");
  const held = (await listIssued(resolve(dir))).filter((one) => one.name === name);
  if (held.length > 0) return held;
  throw new AppError("USAGE", `no certificate was ever issued for ${name}`, {
    hint: "`seedgrow certs list` shows all.",
  });
}

function tellReloaded(pids: readonly number[]): void {
  for (const pid of pids) note(`nats-server (process ${pid}) has read its users anew`);
}

function withDir(command: Command): Command {
  return command
    .addOption(
      new Option("--dir <dir>", "folder of the CA").default(configDir(process.env), "~/.config/seedgrow/certs"),
    )
    .option("--json", "print one line of JSON");
}

function withIssueFlags(command: Command): Command {
  return withDir(command)
    .option("--san <names>", "further DNS names and IP addresses, separated by commas; may be repeated", collect, [])
    .option("--days <n>", "how long it is good", wholeNumber(1, 3650), certDaysDefault);
}

function nodeName(text: string): string {
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,62})$/.test(text) && !text.includes("..")) return text;
  throw new InvalidArgumentError("Expected a host's name: letters, digits, dots and dashes, 63 at most.");
}

function jsonOf({ notBefore, notAfter, revokedAt, ...rest }: Issued) {
  const iso = (date: Date | null) => date?.toISOString() ?? null;
  return { ...rest, notBefore: iso(notBefore), notAfter: iso(notAfter), revokedAt: iso(revokedAt) };
}

function tableOf(all: readonly Issued[], nowMs: number): string {
  const table = new Table({
    head: ["name", "role", "until", "state", "names", "serial"],
    style: { head: [], border: [], compact: true },
  });
  for (const one of all) {
    table.push([
      one.name,
      one.role,
      day(one.notAfter),
      stateOf(one, nowMs),
      one.sans.join(" "),
      one.serial.slice(0, 8),
    ]);
  }
  return table.toString();
}

function stateOf({ revokedAt, notAfter }: Issued, nowMs: number): string {
  if (revokedAt) return pc.red(`revoked ${day(revokedAt)}`);
  const days = Math.floor((notAfter.getTime() - nowMs) / dayMs);
  if (days < 0) return pc.red("expired");
  return days < 30 ? pc.yellow(`${days} days left`) : `${days} days left`;
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}
