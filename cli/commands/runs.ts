/** `seedgrow runs`: the runs of a folder, newest first. */
import Table from "cli-table3";
import { Command } from "commander";
import { isHeld } from "../../coordinator/adapters/live-run.js";
import { type ListedRun, listRuns, RunStore } from "../../coordinator/adapters/run-store.js";
import { duration } from "../event-text.js";
import { defaultRunsDir } from "../options.js";
import { note, out, outJson } from "../output.js";
import { localTime, type RunFacts, type RunRow, runRow } from "../run-rows.js";
import { score } from "../stage-table.js";
import { stateText } from "../status-text.js";

export function runsCommand(): Command {
  return new Command("runs")
    .description("list the runs of a folder, newest first")
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--json", "print an array of runs as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow runs
  $ seedgrow runs --runs /data/runs --json | jq '.[0].bestValMiou'

"killed" is a run whose coordinator went without a word (kill -9, power cut): \`seedgrow resume\` goes on.`,
    )
    .action(async (flags: { readonly runs: string; readonly json?: boolean }) => {
      const rows = await Promise.all((await listRuns(flags.runs)).map(readRow));
      if (flags.json) outJson(rows);
      else if (rows.length === 0) note(`no runs in ${flags.runs}`);
      else out(runTable(rows));
    });
}

async function readRow(run: ListedRun): Promise<RunRow> {
  return runRow(run, await readFacts(run.dir), await isHeld(run.dir));
}

async function readFacts(dir: string): Promise<RunFacts | null> {
  try {
    const { manifest } = await new RunStore(dir).readManifest();
    return { photos: manifest.train.images.length, classes: manifest.classes };
  } catch {
    return null; // A damaged manifest is `resume`'s business; the list goes on.
  }
}

function runTable(rows: readonly RunRow[]): string {
  const table = new Table({
    head: ["run", "state", "started", "photos", "classes", "rounds", "labels mIoU", "best val mIoU", "took"],
    colAligns: ["left", "left", "left", "right", "left", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    const rounds = `${row.roundsDone}/${row.rounds ?? "?"}`;
    const scores = [score(row.labelMiou), score(row.bestValMiou)];
    const what = [row.photos ?? "?", shortList(row.classes), rounds, ...scores, duration(row.seconds)];
    table.push([row.runId, stateText(row.state), localTime(row.createdAt), ...what]);
  }
  return table.toString();
}

function shortList(names: readonly string[]): string {
  return names.length <= 3 ? names.join(", ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
}
