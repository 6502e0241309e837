/** What a person sees while training runs: one live line on a terminal, plain lines elsewhere. */
import pc from "picocolors";
import { type DataProblem, describeProblem } from "../coordinator/data/problems.js";
import type { TrainObserver } from "../coordinator/main.js";
import type { RunEventRecord, RunStatus } from "../shared/net/subjects.js";
import { secondsLeft } from "./bar.js";
import { duration } from "./event-text.js";
import { LiveLine } from "./live-line.js";
import { Narrator } from "./narrator.js";
import { bar, statusLine } from "./status-line.js";

/** Without a terminal a line this often is enough, milliseconds. */
const plainIntervalMs = 15_000;
/** Problems shown one by one; the rest is a count. */
const problemsShownMax = 20;

export class ProgressView implements TrainObserver {
  private readonly narrator = new Narrator();
  private readonly liveLine: LiveLine | null;
  private lastPlainMs = 0;
  private closed = false;
  private counted: { readonly verb: string; readonly startedMs: number } | null = null;

  constructor(private readonly stream: NodeJS.WriteStream) {
    this.liveLine = stream.isTTY ? new LiveLine(stream) : null;
  }

  readonly onIndex = (done: number, total: number): void => {
    this.progress("reading photos", done, total);
  };

  /** Any counted work outside the run's phases. */
  progress(verb: string, done: number, total: number): void {
    const nowMs = performance.now();
    if (this.counted?.verb !== verb) this.counted = { verb, startedMs: nowMs };
    const seconds = secondsLeft(done, total, (nowMs - this.counted.startedMs) / 1000);
    const left = seconds === null || done === total ? "" : `  ${duration(seconds)} left`;
    this.live(`${verb} ${bar(done, total)} ${done}/${total}${left}`, done === total);
  }

  readonly onProblems = (problems: readonly DataProblem[]): void => {
    for (const problem of problems.slice(0, problemsShownMax)) this.note(pc.yellow(describeProblem(problem)));
    if (problems.length > problemsShownMax) this.note(pc.yellow(`... and ${problems.length - problemsShownMax} more`));
  };

  readonly onStart: TrainObserver["onStart"] = ({ runId, runDir, manifest }) => {
    const { classes, train, val } = manifest;
    const images = `${train.images.length} photos${val ? `, ${val.images.length} for validation` : ""}`;
    this.note(`${pc.bold(`run ${runId}`)}: ${images}, classes ${classes.join(", ")}`);
    this.note(pc.dim(`  in ${runDir}`));
  };

  readonly onStatus = (status: RunStatus): void => {
    this.live(statusLine(status), false);
  };

  readonly onEvent = (record: RunEventRecord): void => {
    for (const line of this.narrator.tell(record)) this.note(line);
  };

  /** The event log tells of stages as well. */
  readonly onStage = (): void => undefined;

  readonly onNote = (text: string): void => {
    this.live(text, true);
  };

  /** A line that stays. */
  note(line: string): void {
    if (this.liveLine) this.liveLine.above(line);
    else this.stream.write(`${line}\n`);
  }

  close(): void {
    this.closed = true;
    this.liveLine?.clear();
  }

  private live(line: string, isLast: boolean): void {
    if (this.closed) return;
    if (this.liveLine) {
      this.liveLine.show(line);
      return;
    }
    const nowMs = performance.now();
    if (!isLast && nowMs - this.lastPlainMs < plainIntervalMs) return;
    this.lastPlainMs = nowMs;
    this.stream.write(`${line}\n`);
  }
}
