/** `seedgrow watch`: what a run has done and does; comes late or after the end just as well. */
import { Command } from "commander";
import pc from "picocolors";
import { Narrator } from "../narrator.js";
import { defaultRunsDir, interruptSignal, withBusFlags } from "../options.js";
import { note, out, outJson } from "../output.js";
import { type BusFlags, busPlace, withBus } from "../run-view.js";
import { stateText, throughputText } from "../status-text.js";
import { pickFolder, sourceOnBus, sourceOnDisk, type WatchSource } from "../watch/source.js";

const throughputEveryMs = 10_000;

interface WatchFlags extends BusFlags {
  readonly runs: string;
  readonly nats?: string;
  readonly plain?: boolean;
  readonly json?: boolean;
}

export function watchCommand(): Command {
  return withBusFlags(new Command("watch"))
    .description("follow a run on a full screen: its past from the log, then live; Ctrl-C leaves the run alone")
    .argument("[run]", 'id, start of an id, folder, or "latest"; without it: the one that is going on, else the latest')
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--nats <url>", "follow on this bus: for a run whose folder is on another machine")
    .option("--plain", "lines instead of a screen, as without a terminal")
    .option("--json", "print the events as they are, one line of JSON each (docs/OBSERVABILITY.md)")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow watch
  $ seedgrow watch 20260101-1200
  $ seedgrow watch --nats tls://head:4222
  $ seedgrow watch --plain | tee run.log
  $ seedgrow watch latest --json | jq -r 'select(.kind == "worker-lost") | .reason'

Keys: q closes the view, left and right go through the run's phases, Tab and the arrows scroll, ? helps.`,
    )
    .action(async (run: string | undefined, flags: WatchFlags) => {
      if (flags.nats)
        await withBus(busPlace(flags.nats, flags), async (bus) => watch(await sourceOnBus(bus, run), flags));
      else await watch(await sourceOnDisk(await pickFolder(flags.runs, run)), flags);
    });
}

async function watch(source: WatchSource, flags: WatchFlags): Promise<void> {
  try {
    if (flags.json || flags.plain || !process.stdout.isTTY || !process.stdin.isTTY) await follow(source, flags);
    else await fullScreen(source);
  } finally {
    await source.close();
  }
}

async function fullScreen(source: WatchSource): Promise<void> {
  const { watchFullScreen } = await import("../watch/dashboard.js");
  await watchFullScreen(source, process.stdin, process.stdout);
  await printEnd(source);
}

async function follow(source: WatchSource, { json }: WatchFlags): Promise<void> {
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
  if (!signal.aborted && !json) await printEnd(source);
}

async function printEnd(source: WatchSource): Promise<void> {
  const { runId, state, reason, dir } = await source.view();
  out(`run ${runId} is ${stateText(state)}${reason ? `: ${reason}` : ""}`);
  if (state === "done" && dir) out(`report: ${dir}/report.html`);
  if (state === "running" || state === "waiting") note("it goes on without a watcher; `seedgrow stop` would end it");
}

async function printThroughput(source: WatchSource): Promise<void> {
  const status = await source.status().catch(() => null);
  if (status && status.state === "running") printAt(status.updatedAt, pc.dim(throughputText(status)));
}

function printAt(iso: string, line: string): void {
  out(`${pc.dim(new Date(iso).toTimeString().slice(0, 8))}  ${line}`);
}
