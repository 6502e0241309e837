/** `seedgrow watch`: what a run has done and does, line by line; comes late or after the end just as well. */
import { Command } from "commander";
import pc from "picocolors";
import { isHeld, readLive } from "../../coordinator/adapters/live-run.js";
import { findRun, listRuns, RunStore } from "../../coordinator/adapters/run-store.js";
import { listStatuses, readStatus } from "../../coordinator/adapters/status-store.js";
import type { Bus } from "../../shared/net/bus.js";
import type { RunEventRecord, RunStatus } from "../../shared/net/subjects.js";
import { Narrator } from "../narrator.js";
import { defaultRunsDir, interruptSignal } from "../options.js";
import { note, out, outJson } from "../output.js";
import { busRunId, isEnded, type RunView, viewOfFolder, viewOnBus, withBus } from "../run-view.js";
import { stateText, throughputText } from "../status-text.js";
import { busEvents } from "../watch/bus-events.js";
import { diskEvents } from "../watch/disk-events.js";

const throughputEveryMs = 10_000;

interface WatchFlags {
  readonly runs: string;
  readonly nats?: string;
  readonly json?: boolean;
}

/** A run to follow, wherever it is. */
interface Source {
  readonly events: (signal: AbortSignal) => AsyncIterable<RunEventRecord>;
  readonly status: () => Promise<RunStatus | null>;
  readonly view: () => Promise<RunView>;
}

export function watchCommand(): Command {
  return new Command("watch")
    .description("follow a run: its log so far, then live; Ctrl-C leaves the run alone")
    .argument("[run]", 'id, start of an id, folder, or "latest"; without it: the one that is going on, else the latest')
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--nats <url>", "follow on this bus: for a run whose folder is on another machine")
    .option("--json", "print the events as they are, one line of JSON each")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow watch
  $ seedgrow watch 20260101-1200
  $ seedgrow watch --nats nats://head:4222
  $ seedgrow watch latest --json | jq -r 'select(.kind == "worker-lost") | .reason'`,
    )
    .action(async (run: string | undefined, flags: WatchFlags) => {
      if (flags.nats) await withBus(flags.nats, async (bus) => follow(await sourceOnBus(bus, run), flags));
      else await follow(await sourceOnDisk(await pickFolder(flags.runs, run)), flags);
    });
}

async function follow(source: Source, { json }: WatchFlags): Promise<void> {
  const signal = interruptSignal(() => note("the run goes on without a watcher; `seedgrow stop` would end it"));
  const narrator = new Narrator();
  const timer = json ? null : setInterval(() => void printThroughput(source), throughputEveryMs);
  try {
    for await (const record of source.events(signal)) {
      if (json) outJson(record);
      else for (const line of narrator.tell(record)) printAt(record.at, line);
    }
  } finally {
    if (timer) clearInterval(timer);
  }
  if (signal.aborted || json) return;
  const { runId, state, reason, dir } = await source.view();
  out(`run ${runId} is ${stateText(state)}${reason ? `: ${reason}` : ""}`);
  if (state === "done" && dir) out(`report: ${dir}/report.html`);
}

async function sourceOnDisk(dir: string): Promise<Source> {
  const { runId } = await new RunStore(dir).readRecord();
  return {
    events: (signal) => diskEvents(dir, signal),
    view: () => viewOfFolder(dir),
    status: async () => {
      const live = await readLive(dir);
      return live && withBus(live.natsUrl, (bus) => readStatus(bus, runId));
    },
  };
}

async function sourceOnBus(bus: Bus, run: string | undefined): Promise<Source> {
  const runId = await pickOnBus(bus, run);
  const view = () => viewOnBus(bus, runId);
  return {
    events: (signal) => busEvents(bus, runId, async () => isEnded((await view()).state), signal),
    view,
    status: () => readStatus(bus, runId),
  };
}

async function pickFolder(runsDir: string, run: string | undefined): Promise<string> {
  if (run !== undefined) return findRun(runsDir, run);
  for (const { dir } of await listRuns(runsDir)) if (await isHeld(dir)) return dir;
  return findRun(runsDir, "latest");
}

async function pickOnBus(bus: Bus, run: string | undefined): Promise<string> {
  if (run !== undefined) return busRunId(bus, run);
  const running = (await listStatuses(bus)).findLast(({ state }) => !isEnded(state));
  return running?.runId ?? busRunId(bus, "latest");
}

async function printThroughput(source: Source): Promise<void> {
  const status = await source.status().catch(() => null);
  if (status && status.state === "running") printAt(status.updatedAt, pc.dim(throughputText(status)));
}

function printAt(iso: string, line: string): void {
  out(`${pc.dim(new Date(iso).toTimeString().slice(0, 8))}  ${line}`);
}
