/** `seedgrow status`: where a run stands, or all that are going on. */
import { Command } from "commander";
import { isHeld } from "../../coordinator/adapters/live-run.js";
import { findRun, listRuns } from "../../coordinator/adapters/run-store.js";
import { listStatuses } from "../../coordinator/adapters/status-store.js";
import type { Bus } from "../../shared/net/bus.js";
import { defaultRunsDir, withBusFlags } from "../options.js";
import { note, out, outJson } from "../output.js";
import {
  type BusFlags,
  busPlace,
  busRunId,
  isEnded,
  type RunView,
  viewOfFolder,
  viewOnBus,
  withBus,
} from "../run-view.js";
import { viewText } from "../status-text.js";

interface StatusFlags extends BusFlags {
  readonly runs: string;
  readonly nats?: string;
  readonly json?: boolean;
}

export function statusCommand(): Command {
  return withBusFlags(new Command("status"))
    .description("show where a run stands, or all that are running: phase, speed, time left, workers")
    .argument("[run]", 'id, start of an id, folder, or "latest"; without it: every run that is going on')
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--nats <url>", "ask this bus instead: for runs whose folder is on another machine")
    .option("--json", "print one line of JSON: an object for a named run, else an array")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow status
  $ seedgrow status latest
  $ seedgrow status 20260101-1200 --json | jq .status.imagesPerSecond
  $ seedgrow status --nats tls://head:4222`,
    )
    .action(runStatus);
}

async function runStatus(run: string | undefined, flags: StatusFlags): Promise<void> {
  const views = flags.nats
    ? await withBus(busPlace(flags.nats, flags), (bus) => viewsOnBus(bus, run))
    : await viewsOnDisk(flags.runs, run);
  if (flags.json) outJson(run === undefined ? views : views[0]);
  else if (views.length > 0) out(views.map(viewText).join("\n\n"));
  else
    note(
      `no run is going on ${flags.nats ? `on ${flags.nats}` : `in ${flags.runs}`}; \`seedgrow runs\` lists the ended`,
    );
}

async function viewsOnDisk(runsDir: string, run: string | undefined): Promise<RunView[]> {
  if (run !== undefined) return [await viewOfFolder(await findRun(runsDir, run))];
  const running = (await listRuns(runsDir)).filter(({ record }) => record.state === "running");
  const held = await Promise.all(running.map(async ({ dir }) => ((await isHeld(dir)) ? [dir] : [])));
  return Promise.all(held.flat().map(viewOfFolder));
}

async function viewsOnBus(bus: Bus, run: string | undefined): Promise<RunView[]> {
  if (run !== undefined) return [await viewOnBus(bus, await busRunId(bus, run))];
  const statuses = (await listStatuses(bus)).filter(({ state }) => !isEnded(state));
  const views = await Promise.all(statuses.map(({ runId }) => viewOnBus(bus, runId)));
  return views.filter(({ state }) => !isEnded(state));
}
