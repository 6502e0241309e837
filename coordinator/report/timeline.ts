/** The run's story out of its event log: phases in time, and what went wrong. Pure. */

/** A line of the event log (shared/net/subjects.ts). */
export interface LoggedEvent {
  readonly at: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

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

/** A log of a long run with flapping workers; the newest are kept. */
const marksMax = 500;

export function timelineOf(events: readonly LoggedEvent[]): Timeline {
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

function markOf(event: LoggedEvent): Mark | null {
  const trouble = (words: string): Mark => ({ at: event.at, text: words, isTrouble: true });
  const plain = (words: string): Mark => ({ at: event.at, text: words, isTrouble: false });
  switch (event.kind) {
    case "worker-joined":
      return plain(`worker ${text(event, "workerId")} joined`);
    case "worker-lost":
      return trouble(`worker ${text(event, "workerId")} lost: ${text(event, "reason")}`);
    case "engine-lost":
      return trouble(`worker ${text(event, "workerId")} lost its engine: ${text(event, "reason")}`);
    case "worker-refused":
      return trouble(`worker ${text(event, "workerId")} not taken: ${text(event, "reason")}`);
    case "local-worker-exited":
      return trouble(`local worker ${text(event, "index")} exited with ${text(event, "code")}`);
    case "work-failed":
      return trouble(`work ${text(event, "assignmentId")} failed: ${text(event, "reason")}`);
    case "broadcast-failed":
      return trouble(`labels v${text(event, "version")} went to the workers one by one: ${text(event, "reason")}`);
    case "corrections-applied":
      return plain(`round ${text(event, "round")} takes corrections of ${text(event, "photos") || "some"} photos`);
    case "corrections-refused":
      return trouble(`round ${text(event, "round")} begins without corrections: ${text(event, "refused")}`);
    case "checkpoint-damaged":
      return trouble(`checkpoint ${text(event, "name")} is damaged: the one before it is used`);
    case "worker-quarantined":
      return trouble(`worker ${text(event, "workerId")} quarantined: ${text(event, "reason")}`);
    case "waiting":
      return plain(text(event, "reason"));
    case "rounds-ended":
      return plain(`rounds ended: ${text(event, "reason")}`);
    case "round-refused":
      return trouble(`the labels of round ${text(event, "round")} are refused: ${text(event, "reason")}`);
    case "failure":
      return trouble(`[${text(event, "code")}] ${text(event, "message")}`);
    case "run-ended":
      return { ...plain(`${text(event, "state")}: ${text(event, "reason")}`), isTrouble: event.state !== "done" };
    default:
      return null;
  }
}

function text(event: LoggedEvent, field: string): string {
  return String(event[field] ?? "");
}
