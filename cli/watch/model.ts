/** What a watcher knows about a run: folded from its event log, so that it can come late, and from its status. Pure. */
import { z } from "zod";
import { type RunEventRecord, type RunStatus, runStatusSchema } from "../../shared/net/subjects.js";
import { fieldText } from "../event-text.js";
import type { ViewState } from "../run-view.js";

export type WatchedWorker = RunStatus["workers"][number];

export interface Trouble {
  /** ISO 8601. */
  readonly at: string;
  readonly what: string;
  readonly reason: string;
}

export interface StageScore {
  readonly name: string;
  readonly labels: number | null;
  readonly val: number | null;
}

export interface WatchModel {
  readonly runId: string;
  readonly startedAt: string | null;
  /** ISO 8601 of the newest thing known. */
  readonly at: string | null;
  /** "round 2 training". */
  readonly phase: string;
  readonly step: { readonly done: number; readonly total: number } | null;
  readonly losses: readonly number[];
  readonly stages: readonly StageScore[];
  readonly workers: ReadonlyMap<string, WatchedWorker>;
  readonly imagesPerSecond: number | null;
  readonly etaSeconds: number | null;
  readonly troubles: readonly Trouble[];
  readonly waitingFor: string | null;
  readonly ended: { readonly state: ViewState; readonly reason: string } | null;
  /** Of a coordinator that answers now; null in a replay and after the end. */
  readonly status: RunStatus | null;
}

/** A sparkline shows fewer; older points leave. */
const lossesMax = 2_000;
const troublesMax = 1_000;

export function emptyModel(runId: string): WatchModel {
  return {
    ...{ runId, startedAt: null, at: null, phase: "", step: null, losses: [], stages: [], workers: new Map() },
    ...{ imagesPerSecond: null, etaSeconds: null, troubles: [], waitingFor: null, ended: null, status: null },
  };
}

export function withEvent(model: WatchModel, event: RunEventRecord): WatchModel {
  const next = { ...model, startedAt: model.startedAt ?? event.at, at: event.at };
  // Before the first worker is there, waiting is no news.
  const trouble = event.kind === "waiting" && model.workers.size === 0 ? null : troubleOf(event);
  const troubles = trouble ? [...model.troubles, trouble].slice(-troublesMax) : model.troubles;
  return { ...next, troubles, ...changeOf(model, event) };
}

/** What its coordinator says now wins over what the log said last. */
export function withStatus(model: WatchModel, status: RunStatus | null): WatchModel {
  if (status === null) return { ...model, status };
  const workers = new Map(status.workers.map((worker) => [worker.workerId, worker]));
  const { phase, imagesPerSecond, etaSeconds, updatedAt } = status;
  const waitingFor = status.state === "waiting" ? status.reason : null;
  return { ...model, status, workers, phase, imagesPerSecond, etaSeconds, waitingFor, at: updatedAt };
}

export function withEnd(model: WatchModel, ended: NonNullable<WatchModel["ended"]>): WatchModel {
  return { ...model, status: null, etaSeconds: null, ended };
}

const stepSchema = z.object({ step: z.int(), steps: z.int(), loss: z.number().nullable() });
const stageSchema = z.object({
  name: z.string(),
  labels: z.object({ miou: z.number().nullable() }).nullable(),
  val: z.object({ miou: z.number().nullable() }).nullable(),
});
const clusterSchema = runStatusSchema.pick({ imagesPerSecond: true, etaSeconds: true, workers: true });

function changeOf(model: WatchModel, event: RunEventRecord): Partial<WatchModel> {
  switch (event.kind) {
    case "phase-started":
      // A run that goes on has an end in the middle of its log.
      return { phase: fieldText(event, "title"), step: null, losses: [], ended: null };
    case "step":
      return stepped(model, stepSchema.safeParse(event).data);
    case "stage":
      return { stages: withStage(model.stages, stageSchema.safeParse(event).data) };
    case "cluster":
      return clustered(clusterSchema.safeParse(event).data);
    case "worker-joined":
      return { workers: withWorker(model, fieldText(event, "workerId"), "active"), ended: null };
    case "worker-lost":
    case "worker-drained":
    case "worker-quarantined":
      return { workers: withWorker(model, fieldText(event, "workerId"), event.kind.slice("worker-".length)) };
    case "waiting":
      return { waitingFor: fieldText(event, "reason") };
    case "running":
      return { waitingFor: null };
    case "run-ended":
      return { waitingFor: null, etaSeconds: null, ended: endOf(event) };
    default:
      return {};
  }
}

function stepped(model: WatchModel, event: z.infer<typeof stepSchema> | undefined): Partial<WatchModel> {
  if (!event) return {};
  const losses = event.loss === null ? model.losses : [...model.losses, event.loss].slice(-lossesMax);
  return { losses, step: { done: event.step + 1, total: event.steps } };
}

function withStage(held: readonly StageScore[], stage: z.infer<typeof stageSchema> | undefined): readonly StageScore[] {
  if (!stage) return held;
  const { name, labels, val } = stage;
  const score = { name, labels: labels?.miou ?? null, val: val?.miou ?? null };
  // Told again once its validation is in.
  return [...held.filter((other) => other.name !== name), score];
}

function clustered(event: z.infer<typeof clusterSchema> | undefined): Partial<WatchModel> {
  if (!event) return {};
  const { workers, imagesPerSecond, etaSeconds } = event;
  return { imagesPerSecond, etaSeconds, workers: new Map(workers.map((worker) => [worker.workerId, worker])) };
}

function withWorker(model: WatchModel, workerId: string, state: string): WatchModel["workers"] {
  const unknown = { host: "?", imagesPerSecond: 0, waitShare: 0, engine: "", device: "", rssBytes: null, beatAt: null };
  const held = model.workers.get(workerId) ?? { workerId, ...unknown };
  const imagesPerSecond = state === "active" ? held.imagesPerSecond : 0;
  return new Map(model.workers).set(workerId, { ...held, state, imagesPerSecond });
}

const endStates: readonly string[] = ["done", "failed", "stopped"] satisfies ViewState[];

function endOf(event: RunEventRecord): WatchModel["ended"] {
  const state = fieldText(event, "state");
  return { state: (endStates.includes(state) ? state : "stopped") as ViewState, reason: fieldText(event, "reason") };
}

/** Event -> [what it is, from which field the reason comes]. What is no trouble is not listed. */
const troubles: Readonly<Record<string, (text: (field: string) => string) => readonly [string, string]>> = {
  "worker-lost": (text) => [`worker ${text("workerId")} lost`, text("reason")],
  "worker-refused": (text) => [`worker ${text("workerId")} not taken`, text("reason")],
  "engine-lost": (text) => [`engine of worker ${text("workerId")} lost, it is started again`, text("reason")],
  "worker-mixed": (text) => [`worker ${text("workerId")} taken`, `although it ${text("reason")}`],
  "worker-quarantined": (text) => [`worker ${text("workerId")} quarantined`, text("reason")],
  "local-worker-exited": (text) => [
    `local worker ${text("index")} exited with ${text("code")}`,
    `its log: ${text("log")}`,
  ],
  "work-failed": (text) => [`work ${text("assignmentId")} failed`, text("reason")],
  "result-refused": (text) => [`result of ${text("workerId")} refused`, text("reason")],
  "work-cut-off": (text) => [`work of ${text("workerId")} not done`, text("reason")],
  rewound: (text) => [`${text("phase")} went back to its checkpoint`, text("reason")],
  "audit-mismatch": (text) => [`workers disagree on ${text("assignmentId")}`, text("workers")],
  "broadcast-failed": (text) => [`labels v${text("version")} not broadcast`, text("reason")],
  "checkpoint-damaged": (text) => [`checkpoint ${text("name")} damaged`, "the one before it is used"],
  "round-refused": (text) => [`labels of round ${text("round")} refused`, text("reason")],
  "labels-kept": (text) => [`new mask of ${text("path")} refused`, text("reason")],
  "tag-doubtful": (text) => [`doubtful tag of ${text("path")}`, "the classifier sees no sign of it"],
  waiting: (text) => ["waiting", text("reason")],
  failure: (text) => [`[${text("code")}]`, text("message")],
};

function troubleOf(event: RunEventRecord): Trouble | null {
  const tell = troubles[event.kind];
  if (!tell) return null;
  const [what, reason] = tell((field) => fieldText(event, field));
  return { at: event.at, what, reason };
}
