/** `seedgrow dashboard`: a run as a web page, while it goes on and afterwards. */
import { Command } from "commander";
import pc from "picocolors";
import { findRun } from "../../coordinator/adapters/run-store.js";
import { isLoopback, listen } from "../http/http.js";
import { defaultRunsDir, interruptSignal, wholeNumber } from "../options.js";
import { note, out, outJson } from "../output.js";

interface DashboardFlags {
  readonly run?: string;
  readonly runs: string;
  readonly host: string;
  readonly port: number;
  readonly json?: boolean;
}

export function dashboardCommand(): Command {
  return new Command("dashboard")
    .description("show runs as a web page: cluster, curves, timeline, and how every mask grew")
    .option("--run <run>", 'only this run (id, start of an id, folder, "latest")')
    .option("--out, --runs <dir>", "folder of runs", defaultRunsDir)
    .option("--host <address>", "address to listen on; anybody who reaches it sees the photos", "127.0.0.1")
    .option("--port <n>", "port to listen on; 0: a free one", wholeNumber(0, 65535), 8090)
    .option("--json", "print the address as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow dashboard                                    then open http://127.0.0.1:8090
  $ seedgrow dashboard --run latest
  $ seedgrow dashboard --run /data/runs/20260101-120000-a1b2 --port 0 --json

It only reads the run's folder: a run does not notice it, and it may be opened after the end.
From another machine: ssh -L 8090:127.0.0.1:8090 HOST.`,
    )
    .action(runDashboard);
}

async function runDashboard({ run, runs: runsDir, host, port, json }: DashboardFlags): Promise<void> {
  const only = run === undefined ? null : await findRun(runsDir, run);
  const { dashboardRoutes } = await import("../dashboard/routes.js");
  const signal = interruptSignal(() => note("stopping"));
  const server = await listen({ host, port, routes: dashboardRoutes(runsDir, only) });
  if (json) outJson({ url: server.url });
  else out(`${pc.bold(server.url)} shows ${only ?? runsDir}; Ctrl-C ends it`);
  if (!isLoopback(host)) note(pc.yellow(`anybody who reaches ${host} sees the photos: there is no password`));
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await server.close();
}
