/** `seedgrow train --log json`: what the progress view tells people, as lines for machines. */
import type { Logger } from "pino";
import { type DataProblem, describeProblem, isBroken } from "../coordinator/data/problems.js";
import type { TrainObserver } from "../coordinator/main.js";
import type { RunEventRecord, RunStatus } from "../shared/net/subjects.js";
import { describeEvent } from "./event-text.js";
import { statusLine } from "./status-line.js";

/** Between two lines of progress, milliseconds. */
const progressEveryMs = 15_000;
const troubled = new Set([
  ...["worker-lost", "worker-refused", "worker-quarantined", "engine-lost"],
  ...["work-failed", "result-refused"],
]);

export class JsonView implements TrainObserver {
  private lastMs = Number.NEGATIVE_INFINITY;
  private runId: string | null = null;

  constructor(private readonly log: Logger) {}

  readonly onIndex = (done: number, total: number): void => {
    this.progress("reading photos", done, total);
  };

  progress(verb: string, done: number, total: number): void {
    if (done === total) this.log.info({ done }, `${verb}: done`);
  }

  readonly onProblems = (problems: readonly DataProblem[]): void => {
    for (const problem of problems) this.log.warn({ problem, isBroken: isBroken(problem) }, describeProblem(problem));
  };

  readonly onStart: TrainObserver["onStart"] = ({ runId, runDir, manifest }) => {
    this.runId = runId;
    this.log.info({ runId, runDir, classes: manifest.classes, photos: manifest.train.images.length }, "run begins");
  };

  readonly onStatus = (status: RunStatus): void => {
    const nowMs = performance.now();
    if (nowMs - this.lastMs < progressEveryMs) return;
    this.lastMs = nowMs;
    const { runId, state, phase, round, rounds, done, total, imagesPerSecond, etaSeconds, loss } = status;
    const fields = { runId, state, phase, round, rounds, done, total, imagesPerSecond, etaSeconds, loss };
    this.log.info(fields, statusLine(status));
  };

  readonly onEvent = ({ at, kind, ...fields }: RunEventRecord): void => {
    const level = kind === "failure" ? "error" : troubled.has(kind) ? "warn" : "info";
    this.log[level]({ event: kind, ...fields }, describeEvent({ at, kind, ...fields } as RunEventRecord) ?? kind);
  };

  readonly onStage = (): void => undefined;

  readonly onNote = (text: string): void => this.note(text);

  note(text: string): void {
    this.log.info({ runId: this.runId }, text.trim());
  }

  close(): void {}
}
