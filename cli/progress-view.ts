/** What a person sees while training runs: one live line on a terminal, plain lines elsewhere. */
import pc from "picocolors";
import { type DataProblem, describeProblem } from "../coordinator/data/problems.js";
import type { TrainObserver } from "../coordinator/main.js";
import type { StageRecord } from "../shared/data/run-record.js";
import type { RunEventRecord, RunStatus } from "../shared/net/subjects.js";
import { describeEvent, duration } from "./event-text.js";
import { score } from "./stage-table.js";

/** Without a terminal a line this often is enough, milliseconds. */
const plainIntervalMs = 15_000;
const barWidth = 24;
/** Problems shown one by one; the rest is a count. */
const problemsShownMax = 20;

export class ProgressView implements TrainObserver {
  private lastPlainMs = 0;
  private liveLine = "";
  private closed = false;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  readonly onIndex = (done: number, total: number): void => {
    this.progress("reading photos", done, total);
  };

  /** Any counted work outside the run's phases. */
  progress(verb: string, done: number, total: number): void {
    this.live(`${verb} ${bar(done, total)} ${done}/${total}`, done === total);
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
    const text = describeEvent(record);
    if (text) this.note(text);
  };

  readonly onStage = ({ name, labels, val, seconds }: StageRecord): void => {
    const parts = [
      labels ? `labels mIoU ${score(labels.miou)}` : "",
      val ? `val mIoU ${score(val.miou)} fg ${score(val.fgMiou)} boundary ${score(val.boundaryIou)}` : "",
    ].filter((part) => part !== "");
    this.note(`${pc.green(name.padEnd(8))} ${parts.join(", ")}${pc.dim(` (${duration(seconds)})`)}`);
  };

  readonly onNote = (text: string): void => {
    this.live(text, true);
  };

  /** A line that stays, above the live one. */
  note(line: string): void {
    this.erase();
    this.stream.write(`${line}\n`);
    this.draw();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.erase();
    this.liveLine = "";
  }

  private live(line: string, isLast: boolean): void {
    if (this.closed) return;
    if (!this.stream.isTTY) {
      const nowMs = performance.now();
      if (!isLast && nowMs - this.lastPlainMs < plainIntervalMs) return;
      this.lastPlainMs = nowMs;
      this.stream.write(`${line}\n`);
      return;
    }
    this.erase();
    this.liveLine = line.slice(0, Math.max(20, (this.stream.columns ?? 100) - 1));
    this.draw();
  }

  private erase(): void {
    if (this.stream.isTTY && this.liveLine !== "") this.stream.write("\r\u001b[2K");
  }

  private draw(): void {
    if (this.stream.isTTY && this.liveLine !== "") this.stream.write(this.liveLine);
  }
}

export function statusLine(status: RunStatus): string {
  if (status.state === "waiting") return `${status.phase}: ${status.reason}`;
  const active = status.workers.filter(({ state }) => state === "active").length;
  const parts = [
    `${status.phase} ${bar(status.done, status.total)} ${status.done}/${status.total}`,
    `${status.imagesPerSecond.toFixed(1)} images/s`,
    status.loss === null ? "" : `loss ${status.loss.toFixed(3)}`,
    `${active} worker${active === 1 ? "" : "s"}`,
    status.etaSeconds === null ? "" : `ETA ${duration(status.etaSeconds)}`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

function bar(done: number, total: number): string {
  const filled = total === 0 ? 0 : Math.round((done / total) * barWidth);
  return `[${"#".repeat(filled)}${".".repeat(barWidth - filled)}]`;
}
