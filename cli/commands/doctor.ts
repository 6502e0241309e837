/** `seedgrow doctor`: is everything here that a run needs? */
import { resolve } from "node:path";
import { Command } from "commander";
import pc from "picocolors";
import { exitCodes } from "../../shared/errors.js";
import type { Finding, Verdict } from "../doctor/finding.js";
import { LiveLine } from "../live-line.js";
import { defaultRunsDir, interruptSignal, withBusFlags } from "../options.js";
import { note, out, outJson } from "../output.js";
import type { BusFlags } from "../run-view.js";

interface DoctorFlags extends BusFlags {
  readonly runs: string;
  readonly nats?: string;
  readonly engines?: boolean;
  readonly hosts?: string;
  readonly sshConfig?: string;
  readonly json?: boolean;
}

const marks: Readonly<Record<Verdict, string>> = {
  ok: pc.green("ok  "),
  warn: pc.yellow("warn"),
  fail: pc.red("FAIL"),
};

export function doctorCommand(): Command {
  return withBusFlags(new Command("doctor"))
    .description("check this machine: engine, GPU, broker, ports, disk, memory; says what to do")
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--nats <url>", "check this cluster's broker and workers as well")
    .option("--engines", "instead: compute the same small step on every engine that is here, and compare them")
    .option(
      "--hosts <file>",
      "instead: look at every machine of a list for `seedgrow hosts`, over ssh; changes nothing",
    )
    .option("--ssh-config <file>", "with --hosts: instead of ~/.ssh/config")
    .option("--json", "print the findings as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow doctor
  $ seedgrow doctor --nats tls://head:4222
  $ seedgrow doctor --engines                  which engine is how fast here, and do they agree
  $ seedgrow doctor --hosts hosts.txt --nats tls://head:4222
  $ seedgrow doctor --json | jq '.checks[] | select(.verdict != "ok")'

Exit code 0: a run would work here (warnings included). 4: something is missing or broken. With --hosts, 5: a machine cannot be
reached.`,
    )
    .action(runDoctor);
}

async function runDoctor(flags: DoctorFlags): Promise<void> {
  if (flags.engines) {
    await compareEngines(flags.json === true);
    return;
  }
  if (flags.hosts !== undefined) {
    await checkHosts(flags.hosts, flags);
    return;
  }
  const [{ runCheck }, { engineChecks }, { toolChecks }, { brokerChecks }, { machineChecks }] = await Promise.all([
    import("../doctor/finding.js"),
    import("../doctor/engine.js"),
    import("../doctor/tools.js"),
    import("../doctor/broker.js"),
    import("../doctor/machine.js"),
  ]);
  const checks = [...toolChecks(), ...engineChecks(), ...brokerChecks(flags), ...machineChecks(flags.runs)];
  const line = process.stderr.isTTY && !flags.json ? new LiveLine(process.stderr) : null;
  const findings: Finding[] = [];
  for (const check of checks) {
    line?.show(`checking ${check.name} ...`);
    const finding = await runCheck(check);
    findings.push(finding);
    line?.clear();
    if (!flags.json) print(finding);
  }
  const isFine = findings.every(({ verdict }) => verdict !== "fail");
  if (flags.json) outJson({ ok: isFine, checks: findings });
  if (!isFine) process.exitCode = exitCodes.environment;
}

async function checkHosts(file: string, { nats = "", sshConfig, json }: DoctorFlags): Promise<void> {
  const [{ readHosts }, { checkAll }] = await Promise.all([import("../hosts/fleet.js"), import("../hosts/check.js")]);
  const configPath = sshConfig === undefined ? null : resolve(sshConfig);
  const signal = interruptSignal(() => note("interrupted"));
  const machines = await checkAll(await readHosts(file, []), nats, { configPath, signal });
  for (const { name, findings } of json ? [] : machines) {
    out(pc.bold(name));
    for (const finding of findings) print(finding);
  }
  const code = Math.max(0, ...machines.map((machine) => machine.code));
  if (json) outJson({ ok: code === 0, machines: machines.map(({ name, findings }) => ({ name, checks: findings })) });
  process.exitCode = code;
}

async function compareEngines(isJson: boolean): Promise<void> {
  const { engineReport, engineTable } = await import("../doctor/engines.js");
  const line = process.stderr.isTTY && !isJson ? new LiveLine(process.stderr) : null;
  const report = await engineReport((engine) => line?.show(`computing with ${engine} ...`));
  line?.clear();
  if (isJson) outJson(report);
  else out(engineTable(report));
  if (report.engines.length === 0) process.exitCode = exitCodes.environment;
}

function print({ name, verdict, value, advice }: Finding): void {
  out(`${marks[verdict]}  ${name.padEnd(11)}  ${value}`);
  if (advice !== null) out(`      ${" ".repeat(11)}  ${pc.cyan("->")} ${advice}`);
}
