/** `seedgrow ablate`: trains the variants of a file with several seeds, and writes the table that compares them. */
import Table from "cli-table3";
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import type { AblationObserver, AblationResult } from "../../coordinator/ablate.js";
import { columns, seedsText, statisticText, type TableRow } from "../../coordinator/ablation/table.js";
import { shellLine } from "../../coordinator/report/format.js";
import { AppError } from "../../shared/errors.js";
import { type CellFlags, readyCells } from "../ablate/cells.js";
import { duration } from "../event-text.js";
import { collect, interruptSignal, nameList, wholeNumber, withEngineFlag } from "../options.js";
import { out, outJson } from "../output.js";
import { ProgressView } from "../progress-view.js";

interface AblateFlags extends CellFlags {
  readonly out: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Of the thirteen columns of the table, those that fit a terminal. */
const shown = new Set(["labelMiou", "valMiou", "valGatedMiou", "valBoundaryIou", "valBoundaryF", "seconds"]);

export function ablateCommand(): Command {
  return withEngineFlag(new Command("ablate"))
    .description("train variants x seeds, one after the other, and compare them; goes on where it was stopped")
    .requiredOption("--config <file>", "variants, seeds and data sets, YAML or JSON (docs/ABLATION.md)")
    .option("--data <path>", "data set instead of the file's; may be repeated", collect, [])
    .option("--val <path>", "its validation photos, where they are elsewhere")
    .option("--masks <dir>", "its true masks, where they are elsewhere")
    .option("--classes <names>", "its tags in the order of their class ids, separated by commas", nameList)
    .option("--backbone <path|url|scratch>", "instead of the file's")
    .option("--set <key=value>", "one setting for all variants; may be repeated", collect, [])
    .option("--only <names>", "these variants, separated by commas; may be repeated", collectNames, [])
    .option("--seeds <numbers>", "instead of the file's, separated by commas", seedList)
    .option("--local <n>", "train with a broker and n workers here", wholeNumber(1, 64))
    .option("--nats <url>", "train with the workers of a cluster")
    .option("--out <dir>", "folder of cells, runs, table and pictures", "ablation")
    .option("--dry-run", "show what would be trained, and train nothing")
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow ablate --config docs/ablation.yaml --data photos --backbone mobilenet_v2 --local 2
  $ seedgrow ablate --config docs/ablation.yaml --data photos --data herd --seeds 1,2,3 --local 2
  $ seedgrow ablate --config docs/ablation.yaml --data photos --only default,boxsup --local 2
  $ seedgrow ablate --config docs/ablation.yaml --data photos --dry-run

Writes ablation.md, ablation.json and a picture per data set after every cell. Ctrl-C stops; the same command goes on.
A cell that fails is told in the table and tried again by the next call; the others are trained nevertheless.`,
    )
    .action(runAblate);
}

async function runAblate(flags: AblateFlags): Promise<void> {
  const ready = await readyCells(flags);
  const { ablate, readAblation } = await import("../../coordinator/ablate.js");
  if (flags.dryRun) {
    printPlan(await readAblation(flags.out, ready), flags);
    return;
  }
  if (flags.local === undefined && flags.nats === undefined) {
    throw new AppError("USAGE", "say where to train: --local N on this machine, or --nats URL for a cluster");
  }
  const view = new CellView();
  const signal = interruptSignal(() => {
    view.note("stopping: finishing what is under way (Ctrl-C again to quit at once)");
  });
  const where = { localWorkers: flags.local ?? 0, natsUrl: flags.nats ?? null };
  const result = await ablate({ ...ready, ...where, outDir: flags.out }, view, signal).finally(() => view.close());
  if (flags.json) outJson({ out: flags.out, rows: result.rows });
  else printTable(result, flags.out);
  throwFailures(result);
}

/** One line per cell, and the run's own progress below it. */
class CellView implements AblationObserver {
  private run: ProgressView | null = null;

  readonly onCell: AblationObserver["onCell"] = (cell, done, total, etaSeconds) => {
    this.close();
    this.run = new ProgressView(process.stderr);
    const eta = etaSeconds === null ? "" : `, ETA ${duration(etaSeconds)}`;
    this.note(`${pc.bold(cell.id)}  ${done} of ${total} cells done${eta}`);
    this.note(pc.dim(`  ${shellLine(["seedgrow", ...cell.command])}`));
    return this.run;
  };

  readonly onCellEnd: AblationObserver["onCellEnd"] = ({ id }, { error, measured }) => {
    if (error) this.note(pc.red(`${id} failed: [${error.code}] ${error.message}`));
    else this.note(`${pc.green(id)} done in ${duration(measured?.seconds ?? 0)}`);
  };

  note(line: string): void {
    if (this.run) this.run.note(line);
    else process.stderr.write(`${line}\n`);
  }

  close(): void {
    this.run?.close();
  }
}

function printPlan({ cells, rows }: AblationResult, { json, out: outDir }: AblateFlags): void {
  if (json) {
    outJson({
      out: outDir,
      cells: cells.map(({ id, state, error, command }) => ({ id, state, error, command })),
      rows,
    });
    return;
  }
  for (const { id, state, error, command } of cells) {
    out(`${id}  ${state}${error ? ` [${error.code}]` : ""}`);
    out(pc.dim(`  ${shellLine(["seedgrow", ...command])}`));
  }
  const open = cells.filter(({ state }) => state !== "done").length;
  out(`${cells.length} cells, ${open} to train`);
}

function printTable({ rows }: AblationResult, outDir: string): void {
  const chosen = columns.filter(({ name }) => shown.has(name));
  const table = new Table({
    head: ["data set", "variant", "seeds", ...chosen.map(({ title }) => title)],
    colAligns: ["left", "left", "right", ...chosen.map(() => "right" as const)],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(tableLine(row, chosen));
  out(table.toString());
  out(`all scores ${outDir}/ablation.md, ${outDir}/ablation.json`);
}

function tableLine(row: TableRow, chosen: typeof columns): string[] {
  const scores = chosen.map(({ name }) => statisticText(name, row.metrics[name]));
  return [row.dataset, row.variant, seedsText(row), ...scores];
}

function throwFailures({ cells }: AblationResult): void {
  const failed = cells.filter(({ state }) => state === "failed");
  if (failed.length === 0) return;
  const lines = failed.map(({ id, error }) => `${id}: [${error?.code}] ${error?.message.split("\n")[0]}`);
  throw new AppError("WORK_FAILED", `${failed.length} of ${cells.length} cells failed:\n  ${lines.join("\n  ")}`, {
    hint: "The same command tries them again, and trains nothing else.",
  });
}

function collectNames(text: string, held: readonly string[]): string[] {
  return [...held, ...nameList(text)];
}

function seedList(text: string): number[] {
  const seeds = nameList(text).map(Number);
  if (seeds.length > 0 && seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31)) {
    return [...new Set(seeds)];
  }
  throw new InvalidArgumentError("Expected whole numbers from 0, separated by commas.");
}
