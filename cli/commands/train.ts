/** `seedgrow train` and `seedgrow resume`. */
import { Command, Option } from "commander";
import { findRun } from "../../coordinator/adapters/run-store.js";
import type { TrainObserver, TrainSummary } from "../../coordinator/main.js";
import type { TelemetryOptions } from "../../coordinator/telemetry.js";
import {
  type ClusterFlags,
  clusterSets,
  collect,
  defaultRunsDir,
  interruptSignal,
  type MethodFlags,
  methodSets,
  nameList,
  presetFor,
  rejectIdleSyncFlags,
  runConfigFrom,
  type SyncFlags,
  syncSets,
  wholeNumber,
  withClusterFlags,
  withEngineFlag,
  withMethodFlags,
  withSyncFlags,
} from "../options.js";
import { note, out, outJson } from "../output.js";
import { ProgressView } from "../progress-view.js";
import { stageTable } from "../stage-table.js";
import { trainInputs } from "../train-inputs.js";

/** As `seedgrow dashboard` has it. */
const dashboardPort = 8090;
/** More local workers than this are a typing mistake. */
const localWorkersMax = 64;

interface TelemetryFlags {
  readonly metrics?: string;
  readonly otlp?: string;
  readonly log?: "text" | "json";
}

interface WhereFlags extends TelemetryFlags {
  readonly local?: number;
  readonly nats?: string;
}

interface TrainFlags extends WhereFlags, ClusterFlags, SyncFlags, MethodFlags {
  readonly data?: string;
  readonly val?: string;
  readonly masks?: string;
  readonly classes?: string[];
  readonly backbone?: string;
  readonly quick?: boolean;
  readonly dashboard?: boolean | number;
  readonly out: string;
  readonly dryRun?: boolean;
  readonly config?: string;
  readonly set: string[];
  readonly seed?: number;
  readonly json?: boolean;
}

export function trainCommand(): Command {
  return withTelemetryFlags(withEngineFlag(withMethodFlags(withSyncFlags(withClusterFlags(new Command("train"))))))
    .description("train on tagged photos: seeds, rounds, masks, a model and a report")
    .option(
      "--data <path>",
      "class folders, trainA/trainB folders, or a .csv of path,tag;tag; s3://BUCKET/PREFIX for any of them",
    )
    .option("--val <path>", "validation photos, laid out like --data")
    .option("--masks <dir>", "true masks (PNG), for measuring only; never trained on")
    .option("--classes <names>", "tags in the order of their class ids, separated by commas", nameList)
    .option("--backbone <path|url|scratch>", 'tfjs LayersModel to start from (default: "scratch", none)')
    .option("--local <n>", "start a broker and n workers here; default: one per core", wholeNumber(1, localWorkersMax))
    .option("--nats <url>", "use the workers of a cluster")
    .option("--quick", "a first look in minutes: fewer and larger steps, fewer rounds")
    .option("--dashboard [port]", "show the run as a web page while it goes on (port 8090)", wholeNumber(0, 65535))
    .option("--dry-run", "read the photos and print the plan: phases, steps, memory and time; train nothing")
    .option("--out <dir>", "folder of runs", defaultRunsDir)
    .option("--config <file>", "settings, YAML or JSON (docs/CONFIG.md); `seedgrow init` writes one")
    .option("--set <key=value>", "one setting; may be repeated", collect, [])
    .option("--seed <n>", "seed of everything random", wholeNumber(0, 2 ** 31 - 1))
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow train --data photos --quick
  $ seedgrow train --data photos --dry-run
  $ seedgrow train --config seedgrow.yaml
  $ seedgrow train --data photos --dashboard            and look at http://127.0.0.1:8090
  $ seedgrow train --data photos/train --val photos/val --masks photos/masks --backbone mobilenet --local 2
  $ seedgrow train --data tags.csv --nats tls://head:4222 --rounds 4 --updater boxsup
  $ seedgrow train --data horse2zebra --classes horse,zebra --local 1 --seed 7 --json

Every setting of --set is also a variable: SEEDGROW_METHOD__ROUNDS=6. Ctrl-C stops; \`seedgrow resume\` goes on.`,
    )
    .action(runTrain);
}

async function runTrain(flags: TrainFlags): Promise<void> {
  const { inputs, where } = await trainInputs(flags);
  const { data, val, masks, classes, backbone, quick } = inputs;
  const set = [...flags.set, ...clusterSets(flags), ...syncSets(flags), ...methodSets(flags)];
  const config = await runConfigFrom({ ...flags, set }, presetFor(backbone, quick));
  rejectIdleSyncFlags(flags, config);
  const options = { dataPath: data, valPath: val, masksPath: masks, classes, backbone, config, runsDir: flags.out };
  if (flags.dryRun) {
    const { printPlan } = await import("../dry-run.js");
    await printPlan({ ...options, ...where }, flags);
    return;
  }
  const command = process.argv.slice(2);
  const { train } = await coordinator();
  const work = (view: View, signal: AbortSignal) => {
    return train({ ...options, ...where, telemetry: telemetryOf(flags), command }, view, signal);
  };
  const summary = await withView((view, signal) => withDashboard(flags, view, () => work(view, signal)), flags.log);
  printResult(summary, flags);
}

/** The page goes with the command; `seedgrow dashboard` shows the run afterwards. */
async function withDashboard<T>(
  { dashboard, out: runsDir }: TrainFlags,
  view: View,
  work: () => Promise<T>,
): Promise<T> {
  if (dashboard === undefined || dashboard === false) return work();
  const { listen } = await import("../http/http.js");
  const { dashboardRoutes } = await import("../dashboard/routes.js");
  const port = dashboard === true ? dashboardPort : dashboard;
  const server = await listen({ host: "127.0.0.1", port, routes: dashboardRoutes(runsDir, null) });
  view.note(`dashboard: ${server.url}`);
  try {
    return await work();
  } finally {
    await server.close();
  }
}

interface ResumeFlags extends WhereFlags, ClusterFlags {
  readonly rounds?: number;
  readonly runs: string;
  readonly json?: boolean;
}

export function resumeCommand(): Command {
  return withTelemetryFlags(withEngineFlag(withClusterFlags(new Command("resume"))))
    .description("go on with a run that was stopped or killed, from its last finished phase; the result is the same")
    .argument("<run>", 'id, start of an id, folder, or "latest"')
    .option(
      "--rounds <n>",
      "go on to this many rounds, also after the end (with corrections: docs/CORRECTIONS.md)",
      wholeNumber(1, 100),
    )
    .option("--local <n>", "start a broker and n workers here", wholeNumber(1, localWorkersMax))
    .option("--nats <url>", "use the workers of a cluster")
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText(
      "after",
      "\nExamples:\n  $ seedgrow resume latest\n  $ seedgrow resume 20260101-1200 --local 4\n  $ seedgrow resume latest --rounds 5",
    )
    .action(async (run: string, flags: ResumeFlags) => {
      const dir = await findRun(flags.runs, run);
      const { local, nats } = flags;
      // Without either: where the run was before.
      const where =
        local === undefined && nats === undefined ? {} : { localWorkers: local ?? 0, natsUrl: nats ?? null };
      const { resumeRun } = await coordinator();
      const options = {
        ...where,
        rounds: flags.rounds,
        telemetry: telemetryOf(flags),
        clusterSets: clusterSets(flags),
      };
      const summary = await withView((view, signal) => resumeRun(dir, options, view, signal), flags.log);
      printResult(summary, flags);
    });
}

/** Loaded on use: gRPC, NATS, sharp and the report take longer to load than every other command takes to run. */
export function coordinator(): Promise<typeof import("../../coordinator/main.js")> {
  return import("../../coordinator/main.js");
}

function withTelemetryFlags(command: Command): Command {
  return command
    .option("--metrics <host:port>", "serve Prometheus metrics at /metrics while it runs")
    .option("--otlp <url>", "send traces to this OpenTelemetry collector (OTLP over HTTP)")
    .addOption(
      new Option("--log <format>", "lines for people or for machines").choices(["text", "json"]).default("text"),
    );
}

function telemetryOf({ metrics, otlp }: TelemetryFlags): TelemetryOptions {
  return { metrics, otlp };
}

/** What `withView` hands out. */
export type View = TrainObserver & Pick<ProgressView, "note" | "progress" | "close">;

/** Runs training with a progress display on stderr, which is gone when this returns. */
export async function withView(
  work: (view: View, signal: AbortSignal) => Promise<TrainSummary>,
  log: TelemetryFlags["log"] = "text",
): Promise<TrainSummary> {
  const view = log === "json" ? await jsonView() : new ProgressView(process.stderr);
  const signal = interruptSignal(() =>
    view.note("stopping: finishing what is under way (Ctrl-C again to quit at once)"),
  );
  try {
    return await work(view, signal);
  } finally {
    view.close();
  }
}

async function jsonView(): Promise<View> {
  const { openLog } = await import("../../shared/observe/log.js");
  const { JsonView } = await import("../json-view.js");
  return new JsonView(openLog("coordinator"));
}

function printResult(summary: TrainSummary, flags: { readonly json?: boolean }): void {
  if (flags.json) outJson(jsonOf(summary));
  else {
    printSummary(summary);
    note(`\nNext: open ${summary.runDir}/report.html, or use the model:`);
    note(`  seedgrow predict --model ${summary.runDir} --out masks --overlay PHOTOS`);
  }
}

export function printSummary(summary: TrainSummary): void {
  note("");
  out(stageTable(summary.stages));
  out("");
  out(`masks    ${summary.runDir}/masks (${summary.masks} PNGs)`);
  out(`model    ${summary.runDir}/model`);
  out(`report   ${summary.runDir}/report.html`);
  out(`weights  sha256 ${summary.weightsSha256}`);
  out(`time     ${Math.round(summary.seconds)} s`);
}

/** The line that programs read; its shape is stable. */
export function jsonOf(summary: TrainSummary) {
  const { runId, runDir, weightsSha256, seconds } = summary;
  const stages = summary.stages.map(({ name, labels, val, valGated }) => ({
    name,
    labelMiou: labels?.miou ?? null,
    labelPrecision: labels?.precision ?? null,
    labelRecall: labels?.recall ?? null,
    valMiou: val?.miou ?? null,
    valFgMiou: val?.fgMiou ?? null,
    valBoundaryIou: val?.boundaryIou ?? null,
    valBoundaryF: val?.contours?.boundaryF ?? null,
    valGatedMiou: valGated?.miou ?? null,
    valGatedBoundaryIou: valGated?.boundaryIou ?? null,
  }));
  return { runId, runDir, weightsSha256, seconds, stages };
}
