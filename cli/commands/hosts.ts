/** `seedgrow hosts`, which deploy/cluster.sh is: workers on the machines of a list, over ssh. */
import { resolve } from "node:path";
import Table from "cli-table3";
import { Command, Option } from "commander";
import pc from "picocolors";
import { AppError } from "../../shared/errors.js";
import { requirePrivate } from "../../shared/net/exposure.js";
import { configDir } from "../certs/place.js";
import type { HostResult } from "../hosts/fleet.js";
import type { SshOptions } from "../hosts/ssh.js";
import { collect, interruptSignal, nameList, wholeNumber } from "../options.js";
import { note, out, outJson } from "../output.js";

interface HostsFlags {
  readonly only: string[];
  readonly sshConfig?: string;
  readonly json?: boolean;
}

interface UpFlags extends HostsFlags {
  readonly nats: string;
  readonly ca: string;
  readonly insecure?: boolean;
  readonly set: string[];
}

const fileHelp = `
A line of the file is a machine; # begins a comment:
  user@gpu1 slots=2 gpus=0,1
  user@10.0.0.8:2222 name=gpu2 slots=4 port=7101 threads=2
  gpu3 address=gpu3.lan node=/opt/node20/bin data=/mnt/photos
slots: workers (default: one per GPU named, else 1); gpus: for CUDA_VISIBLE_DEVICES, in turns; port: of the first worker
(7001); name: of its certificate (default: the host); address: as others reach it (default: the host); node: folder of
node. Anything else is a setting of \`seedgrow worker\`.`;

export function hostsCommand(): Command {
  return new Command("hosts")
    .description("start, look at and end workers on a list of machines, over ssh")
    .addCommand(upCommand())
    .addCommand(downCommand())
    .addCommand(statusCommand())
    .addCommand(logsCommand())
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow doctor --hosts hosts.txt --nats tls://head:4222     is every machine fit for it?
  $ seedgrow hosts up hosts.txt --nats tls://head:4222           or: ./deploy/cluster.sh up ...
  $ seedgrow hosts status hosts.txt
  $ seedgrow hosts logs hosts.txt --follow
  $ seedgrow hosts down hosts.txt                                finishes the pieces in hand, leaves nothing behind
${fileHelp}`,
    );
}

function upCommand(): Command {
  return withHosts(new Command("up"))
    .description("copy seedgrow to every machine that lacks it, set it up, start its workers; safe to repeat")
    .requiredOption("--nats <url>", "NATS server, as the machines reach it; servers of a cluster separated by commas")
    .addOption(
      new Option("--ca <dir>", "folder of the CA, with the machines' certificates").default(
        configDir(process.env),
        "~/.config/seedgrow/certs",
      ),
    )
    .option("--insecure", "without certificates: whoever reaches the workers can read and command everything")
    .option("--set <key=value>", "a setting of all workers (docs/CONFIG.md); may be repeated", collect, [])
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow certs add gpu1 --role worker                        once for every machine
  $ seedgrow hosts up hosts.txt --nats tls://head:4222
  $ seedgrow hosts up hosts.txt --nats tls://a:4222,tls://b:4222,tls://c:4222 --set memoryMb=4096
  $ seedgrow hosts up hosts.txt --nats tls://head:4222 --only gpu7

Nothing is installed system-wide: all of it lies in ~/.seedgrow there. Workers whose settings have not changed go on. Ctrl-C
takes back what this call began. Nobody is asked for a password: keys and known hosts are those of your ssh.
${fileHelp}`,
    )
    .action(runUp);
}

async function runUp(file: string, flags: UpFlags): Promise<void> {
  const [{ readHosts, codeOf, seedgrowRoot }, { bringUp }, { makeBundle }, { readCertificates }, { planSlots }] =
    await Promise.all([
      import("../hosts/fleet.js"),
      import("../hosts/up.js"),
      import("../hosts/bundle.js"),
      import("../hosts/certificates.js"),
      import("../hosts/plan.js"),
    ]);
  const hosts = await readHosts(file, flags.only);
  const plan = { nats: flags.nats, isInsecure: flags.insecure === true, sets: flags.set };
  // All that can be wrong here is said before anything is touched there.
  for (const host of hosts) planSlots(host, plan);
  const certificates = plan.isInsecure ? new Map() : await readCertificates(resolve(flags.ca), hosts, flags.set);
  requirePrivate({ "--nats": flags.nats }, certificates.size > 0, plan.isInsecure);
  const ssh = sshOf(flags);
  const bundle = await makeBundle(seedgrowRoot);
  try {
    const onProgress = progressOf(hosts.map(({ name }) => name));
    const results = await bringUp(hosts, { ...ssh, plan, bundle, certificates, onProgress });
    report(results, flags, codeOf(results));
  } finally {
    await bundle.remove();
  }
}

function downCommand(): Command {
  return withHosts(new Command("down"))
    .description("end the workers, which finish the pieces in hand, and remove all of it from the machines")
    .option("--keep", "keep program, packages and engine there, for the next `up`")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow hosts down hosts.txt
  $ seedgrow hosts down hosts.txt --keep --only gpu7`,
    )
    .action(async (file: string, flags: HostsFlags & { readonly keep?: boolean }) => {
      const [{ readHosts, onEach, codeOf }, { takeDown }] = await Promise.all([
        import("../hosts/fleet.js"),
        import("../hosts/up.js"),
      ]);
      const hosts = await readHosts(file, flags.only);
      const ssh = sshOf(flags);
      const onProgress = progressOf(hosts.map(({ name }) => name));
      const results = await onEach(hosts, ssh.signal, async (host) => {
        onProgress(host.name, "ending its workers");
        const ended = await takeDown(host, flags.keep === true, ssh);
        onProgress(host.name, "down");
        return ended;
      });
      report(results, flags, codeOf(results));
    });
}

function statusCommand(): Command {
  return withHosts(new Command("status"))
    .description("show the workers of every machine: running, restarting, failed")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow hosts status hosts.txt
  $ seedgrow hosts status hosts.txt --json | jq '.hosts[].slots[] | select(.state != "running")'`,
    )
    .action(async (file: string, flags: HostsFlags) => {
      const [{ readHosts, onEach, codeOf }, { statusOf }] = await Promise.all([
        import("../hosts/fleet.js"),
        import("../hosts/look.js"),
      ]);
      const ssh = sshOf(flags);
      const results = await onEach(await readHosts(file, flags.only), ssh.signal, (host) => statusOf(host, ssh));
      report(results, flags, codeOf(results));
    });
}

function logsCommand(): Command {
  return withHosts(new Command("logs"))
    .description("print the last lines of every worker's log, or follow them")
    .option("--lines <n>", "lines per worker", wholeNumber(0, 100_000), 20)
    .option("--follow", "go on printing what comes")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow hosts logs hosts.txt --only gpu7
  $ seedgrow hosts logs hosts.txt --follow --lines 0`,
    )
    .action(async (file: string, flags: HostsFlags & { readonly lines: number; readonly follow?: boolean }) => {
      const [{ readHosts, onEach, codeOf }, { printLogs }] = await Promise.all([
        import("../hosts/fleet.js"),
        import("../hosts/look.js"),
      ]);
      const ssh = sshOf(flags);
      const results = await onEach(await readHosts(file, flags.only), ssh.signal, (host) =>
        printLogs(host, { lines: flags.lines, isFollowed: flags.follow === true, onLine: out }, ssh),
      );
      tellErrors(results);
      process.exitCode = codeOf(results);
    });
}

function withHosts(command: Command): Command {
  return command
    .argument("<file>", "list of machines")
    .option(
      "--only <names>",
      "these machines alone, separated by commas",
      (text, held: string[]) => [...held, ...nameList(text)],
      [],
    )
    .option("--ssh-config <file>", "instead of ~/.ssh/config")
    .option("--json", "print one line of JSON");
}

function sshOf({ sshConfig }: HostsFlags): SshOptions {
  const signal = interruptSignal(() => note("interrupted: ending in order (again: at once)"));
  return { configPath: sshConfig === undefined ? null : resolve(sshConfig), signal };
}

/** "gpu1  npm packages: installing ...": lines of several machines in the order in which they come. */
function progressOf(names: readonly string[]): (name: string, text: string) => void {
  const width = Math.max(...names.map(({ length }) => length));
  return (name, text) => note(`${pc.cyan(name.padEnd(width))}  ${text}`);
}

const colours: Readonly<Record<string, (text: string) => string>> = {
  ready: pc.green,
  kept: pc.green,
  running: pc.green,
  restarting: pc.yellow,
  stopped: pc.dim,
};

function report(results: readonly HostResult[], { json }: HostsFlags, code: number): void {
  if (json) {
    outJson({
      ok: code === 0,
      hosts: results.map(({ error, ...rest }) => ({
        ...rest,
        error: error && { code: error.code, message: error.message },
      })),
    });
  } else {
    const rows = results.flatMap(({ name, slots }) =>
      slots.map(({ slot, state, details }) => [
        name,
        slot,
        (colours[state] ?? pc.red)(state),
        detailsText(state, details),
      ]),
    );
    const table = new Table({
      head: ["machine", "worker", "state", ""],
      style: { head: [], border: [], compact: true },
    });
    table.push(...rows);
    if (rows.length > 0) out(table.toString());
    tellErrors(results);
  }
  process.exitCode = code;
}

/** Of `status`: process or exit code, since when, GPU, program; of `up`: the exit code, if any. */
function detailsText(state: string, [number = "", since, gpu, program]: readonly string[]): string {
  const what = state === "running" ? `process ${number}` : number === "" || number === "0" ? "" : `exit code ${number}`;
  const where = gpu === undefined || gpu === "-" ? "" : `GPU ${gpu}`;
  return [what, since && `since ${since}`, where, program && `program ${program}`].filter(Boolean).join(", ");
}

function tellErrors(results: readonly HostResult[]): void {
  for (const { error } of results) {
    if (!(error instanceof AppError) || error.code === "INTERRUPTED") continue;
    note(`${pc.red("error")} ${pc.bold(`[${error.code}]`)} ${error.message}`);
    note(`  ${pc.cyan("next:")} ${error.hint}`);
  }
}
