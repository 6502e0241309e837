/** runs/<id>/tensorboard/: one event file per sitting, as TensorFlow writes it. A disk that is full stops the curves only. */
import { appendFile, mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { curveOf, initialCurve } from "../tensorboard/curves.js";
import { scalarRecord, versionRecord } from "../tensorboard/records.js";

export class TensorboardLog {
  private state = initialCurve;
  private writing: Promise<void>;
  private readonly path: string;

  constructor(dir: string, nowMs: number) {
    const seconds = Math.floor(nowMs / 1000);
    this.path = join(dir, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}`);
    this.writing = mkdir(dir, { recursive: true })
      .then(() => appendFile(this.path, versionRecord(nowMs / 1000)))
      .catch(() => undefined);
  }

  readonly onEvent = (event: RunEventRecord): void => {
    const { state, scalars } = curveOf(this.state, event);
    this.state = state;
    if (scalars === null) return;
    this.writing = this.writing.then(() => appendFile(this.path, scalarRecord(scalars))).catch(() => undefined);
  };

  async close(): Promise<void> {
    await this.writing;
  }
}
