/** The run's story out of its event log: phases in time, what went wrong, and which workers took part. Pure. */
import type { RunRecord } from "../../shared/data/run-record.js";
import type { RunEventRecord, RunStatus } from "../../shared/net/subjects.js";

export interface PhaseSpan {
  readonly title: string;
  /** ISO 8601. */
  readonly from: string;
  /** Null: under way, or cut short. */
  readonly to: string | null;
}

export interface Mark {
  readonly at: string;
  readonly text: string;
  readonly isTrouble: boolean;
}

export interface Timeline {
  readonly phases: readonly PhaseSpan[];
  readonly marks: readonly Mark[];
}

export interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly engine: string;
  readonly state: string;
  /** While it runs; null otherwise. */
  readonly imagesPerSecond: number | null;
  readonly waitShare: number | null;
  readonly joinedAt: string | null;
}

/** A log of a long run with flapping workers; the newest are kept. */
const marksMax = 500;

export function timelineOf(events: readonly RunEventRecord[]): Timeline {
  const phases: PhaseSpan[] = [];
  const marks: Mark[] = [];
  for (const event of events) {
    const open = phases.at(-1);
    if (event.kind === "phase-started") phases.push({ title: text(event, "title"), from: event.at, to: null });
    else if (event.kind === "phase-done" && open) phases[phases.length - 1] = { ...open, to: event.at };
    const mark = markOf(event);
    if (mark) marks.push(mark);
  }
  return { phases, marks: marks.slice(-marksMax) };
}

function markOf(event: RunEventRecord): Mark | null {
  const trouble = (words: string): Mark => ({ at: event.at, text: words, isTrouble: true });
  const plain = (words: string): Mark => ({ at: event.at, text: words, isTrouble: false });
  switch (event.kind) {
    case "worker-joined":
      return plain(`worker ${text(event, "workerId")} joined`);
    case "worker-lost":
      return trouble(`worker ${text(event, "workerId")} lost: ${text(event, "reason")}`);
    case "worker-refused":
      return trouble(`worker ${text(event, "workerId")} not taken: ${text(event, "reason")}`);
    case "local-worker-exited":
      return trouble(`local worker ${text(event, "index")} exited with ${text(event, "code")}`);
    case "work-failed":
      return trouble(`work ${text(event, "assignmentId")} failed: ${text(event, "reason")}`);
    case "broadcast-failed":
      return trouble(`labels v${text(event, "version")} went to the workers one by one: ${text(event, "reason")}`);
    case "waiting":
      return plain(text(event, "reason"));
    case "rounds-ended":
      return plain(`rounds ended: ${text(event, "reason")}`);
    case "failure":
      return trouble(`[${text(event, "code")}] ${text(event, "message")}`);
    case "run-ended":
      return { ...plain(`${text(event, "state")}: ${text(event, "reason")}`), isTrouble: event.state !== "done" };
    default:
      return null;
  }
}

/** Everybody who ever joined; what the coordinator says now wins over what the log said last. */
export function workersOf(
  { workers }: Pick<RunRecord, "workers">,
  events: readonly RunEventRecord[],
  status: RunStatus | null,
): WorkerRow[] {
  const rows = new Map<string, WorkerRow>();
  const idle = { state: "", imagesPerSecond: null, waitShare: null, joinedAt: null };
  for (const worker of workers) rows.set(worker.id, { ...idle, ...worker });
  for (const event of events) {
    const id = text(event, "workerId");
    const row = rows.get(id) ?? { ...idle, id, host: "", engine: "" };
    if (event.kind === "worker-joined") rows.set(id, { ...row, state: "joined", joinedAt: row.joinedAt ?? event.at });
    if (event.kind === "worker-lost") rows.set(id, { ...row, state: "lost" });
  }
  const hasEnded = events.some(({ kind }) => kind === "run-ended");
  for (const [id, row] of rows) if (hasEnded && row.state === "joined") rows.set(id, { ...row, state: "left" });
  for (const { workerId, ...now } of status?.workers ?? []) {
    const row = rows.get(workerId) ?? { ...idle, id: workerId, engine: "" };
    rows.set(workerId, { ...row, ...now });
  }
  return [...rows.values()];
}

function text(event: RunEventRecord, field: string): string {
  return String(event[field] ?? "");
}
