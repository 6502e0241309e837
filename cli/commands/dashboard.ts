/** `seedgrow dashboard`: a run as a web page, while it goes on and afterwards. */
import { Command } from "commander";
import pc from "picocolors";
import { findRun } from "../../coordinator/adapters/run-store.js";
import { type GateFlags, gateFor } from "../http/gate.js";
import { listen } from "../http/http.js";
import { defaultRunsDir, interruptSignal, wholeNumber, withGateFlags } from "../options.js";
import { note, out, outJson } from "../output.js";

interface DashboardFlags extends GateFlags {
  readonly run?: string;
  readonly runs: string;
  readonly port: number;
  readonly json?: boolean;
}

export function dashboardCommand(): Command {
  return withGateFlags(new Command("dashboard"))
    .description("show runs as a web page: cluster, curves, timeline, and how every mask grew")
    .option("--run <run>", 'only this run (id, start of an id, folder, "latest")')
    .option("--out, --runs <dir>", "folder of runs", defaultRunsDir)
    .option("--host <address>", "address to listen on; off loopback it asks for a token", "127.0.0.1")
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

async function runDashboard({ run, runs: runsDir, port, json, ...reach }: DashboardFlags): Promise<void> {
  const gate = await gateFor(reach, process.env);
  const only = run === undefined ? null : await findRun(runsDir, run);
  const { dashboardRoutes } = await import("../dashboard/routes.js");
  const signal = interruptSignal(() => note("stopping"));
  const server = await listen({ host: reach.host, port, routes: dashboardRoutes(runsDir, only), gate });
  const url = gate.isNew ? `${server.url}?token=${gate.token}` : server.url;
  if (json) outJson({ url });
  else out(`${pc.bold(url)} shows ${only ?? runsDir}; Ctrl-C ends it`);
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await server.close();
}
