/**
 * Trains the cells of an ablation one after the other. A finished cell is never trained again, an interrupted one goes on
 * with its run, a failed one is told in the table and tried anew by the next call; none stops the others.
 */
import { mkdir } from "node:fs/promises";
import { AppError } from "../shared/errors.js";
import { seedgrowVersion } from "../shared/version.js";
import { etaSeconds } from "./ablation/plan.js";
import { type CellOutcome, measuredOf, type TableRow, tableRows } from "./ablation/table.js";
import { writeSheets } from "./adapters/ablation-sheet.js";
import { AblationStore, type CellRecord, type ReadyCell } from "./adapters/ablation-store.js";
import { lockRun } from "./adapters/run-lock.js";
import { RunStore } from "./adapters/run-store.js";
import { resumeRun, type TrainObserver, type TrainSummary, train, type WhereToRun } from "./main.js";

export interface AblationObserver {
  /** A cell begins. `etaSeconds`: until all cells are done; null while nothing is known. What it returns hears of the run. */
  readonly onCell: (cell: ReadyCell, done: number, total: number, etaSeconds: number | null) => TrainObserver;
  readonly onCellEnd: (cell: ReadyCell, outcome: CellOutcome) => void;
}

export interface AblationOptions extends WhereToRun {
  readonly outDir: string;
  readonly cells: readonly ReadyCell[];
  /** Variant -> sentence for the table. */
  readonly about: Readonly<Record<string, string>>;
}

export interface AblationResult {
  readonly rows: readonly TableRow[];
  readonly cells: readonly CellOutcome[];
}

/** @throws AppError INTERRUPTED after the table of what is done has been written. */
export async function ablate(
  options: AblationOptions,
  observer: AblationObserver,
  signal: AbortSignal,
): Promise<AblationResult> {
  const store = new AblationStore(options.outDir);
  await mkdir(store.runsDir, { recursive: true });
  const unlock = await lockRun(options.outDir);
  try {
    for (const cell of options.cells) {
      const held = await store.read(cell);
      if (held?.state === "done") continue;
      signal.throwIfAborted();
      await trainCell(store, options, cell, held, observer, signal);
      await writeResult(store, options);
    }
    return await writeResult(store, options);
  } catch (error) {
    await writeResult(store, options).catch(() => undefined);
    if (!signal.aborted) throw error;
    throw new AppError("INTERRUPTED", "the ablation is stopped", {
      hint: "The same command goes on where it stopped.",
    });
  } finally {
    await unlock();
  }
}

/** What is known so far, without training. */
export async function readAblation(outDir: string, options: Pick<AblationOptions, "cells" | "about">) {
  const store = new AblationStore(outDir);
  const cells = await Promise.all(options.cells.map((cell) => store.outcome(cell)));
  return { cells, rows: tableRows(cells, options.about) };
}

async function writeResult(store: AblationStore, options: AblationOptions): Promise<AblationResult> {
  const { cells, rows } = await readAblation(store.dir, options);
  const sheets = await writeSheets(store.dir, cells);
  await store.writeTable({ rows, sheets, seedgrowVersion }, cells);
  return { rows, cells };
}

async function trainCell(
  store: AblationStore,
  options: AblationOptions,
  cell: ReadyCell,
  held: CellRecord | null,
  observer: AblationObserver,
  signal: AbortSignal,
): Promise<void> {
  const { cells } = await readAblation(store.dir, options);
  const done = cells.flatMap((one) => (one.measured ? [{ ...one, seconds: one.measured.seconds! }] : []));
  const open = cells.filter((one) => one.state === "open" || one.id === cell.id);
  const view = observer.onCell(cell, done.length, cells.length, etaSeconds(open, done));
  const file = new CellFile(store, cell, held?.state === "running" ? held.runId : null);
  const hearing: TrainObserver = {
    ...view,
    onStart: (run) => {
      file.begins(run.runId);
      view.onStart(run);
    },
  };
  try {
    const { stages, seconds } = await trainOrResume(store, options, cell, file.runId, hearing, signal);
    await file.ends({ state: "done", measured: measuredOf(stages, seconds) });
  } catch (thrown) {
    const { code, message } = AppError.from(thrown);
    await file.ends(signal.aborted ? { state: "running" } : { state: "failed", error: { code, message } });
    if (signal.aborted) throw thrown;
  }
  observer.onCellEnd(cell, await store.outcome(cell));
}

/** The cell's file knows the run from its first moment, so that it goes on even after a kill. */
class CellFile {
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: AblationStore,
    private readonly cell: ReadyCell,
    public runId: string | null,
  ) {}

  begins(runId: string): void {
    this.runId = runId;
    // A disk that is full shows at the end as well.
    this.writing = this.put({ state: "running" }).catch(() => undefined);
  }

  async ends(end: Partial<CellRecord> & Pick<CellRecord, "state">): Promise<void> {
    await this.writing;
    await this.put(end);
  }

  private put(change: Partial<CellRecord> & Pick<CellRecord, "state">): Promise<CellRecord> {
    return this.store.write(this.cell, { runId: this.runId, error: null, measured: null, ...change });
  }
}

type Trained = Pick<TrainSummary, "stages" | "seconds">;

async function trainOrResume(
  store: AblationStore,
  options: AblationOptions,
  cell: ReadyCell,
  runId: string | null,
  observer: TrainObserver,
  signal: AbortSignal,
): Promise<Trained> {
  const { localWorkers, natsUrl } = options;
  if (runId !== null) {
    const run = new RunStore(store.runDir(runId));
    const record = await run.readRecord().catch(() => null);
    if (record?.state === "done") return { stages: await run.readStages(), seconds: record.seconds };
    if (record !== null) return resumeRun(run.dir, { localWorkers, natsUrl, clusterSets: [] }, observer, signal);
  }
  const { source, backbone, config, command } = cell;
  const data = { dataPath: source.data, valPath: source.val, masksPath: source.masks, classes: source.classes };
  const run = { ...data, backbone, config, runsDir: store.runsDir, command, localWorkers, natsUrl };
  return train(run, observer, signal);
}
