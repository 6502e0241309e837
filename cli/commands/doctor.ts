/** `seedgrow doctor`: is everything here that a run needs? */
import { Command } from "commander";
import pc from "picocolors";
import { exitCodes } from "../../shared/errors.js";
import type { Finding, Verdict } from "../doctor/finding.js";
import { LiveLine } from "../live-line.js";
import { defaultRunsDir, withBusFlags } from "../options.js";
import { out, outJson } from "../output.js";
import type { BusFlags } from "../run-view.js";

interface DoctorFlags extends BusFlags {
  readonly runs: string;
  readonly nats?: string;
  readonly engines?: boolean;
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
    .option("--json", "print the findings as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow doctor
  $ seedgrow doctor --nats tls://head:4222
  $ seedgrow doctor --engines                  which engine is how fast here, and do they agree
  $ seedgrow doctor --json | jq '.checks[] | select(.verdict != "ok")'

Exit code 0: a run would work here (warnings included). 4: something is missing or broken.`,
    )
    .action(runDoctor);
}

async function runDoctor(flags: DoctorFlags): Promise<void> {
  if (flags.engines) {
    await compareEngines(flags.json === true);
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
