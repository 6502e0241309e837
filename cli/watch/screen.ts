/** The watcher's screen: model and size of the terminal -> lines. Pure. */
import pc from "picocolors";
import { duration } from "../event-text.js";
import { cut } from "../live-line.js";
import { score } from "../stage-table.js";
import { bar, outerText, phaseTitle } from "../status-line.js";
import { gpuOf, stateText } from "../status-text.js";
import type { Trouble, WatchedWorker, WatchModel } from "./model.js";
import { sparkline } from "./sparkline.js";
import { type Column, cutPlain, textTable } from "./text-table.js";

export interface ScreenView {
  readonly columns: number;
  readonly rows: number;
  readonly nowMs: number;
  /** First worker and first trouble shown, counted from the top of each list. */
  readonly scroll: { readonly workers: number; readonly troubles: number };
  readonly focus: Panel;
  readonly showsHelp: boolean;
  /** How many of the log's events are shown; null: all, live. */
  readonly replay: { readonly shown: number; readonly total: number } | null;
}

export type Panel = "workers" | "troubles";

/** Below this a terminal shows the beginning of every line, and the first lines. */
const columnsMin = 20;
const sparkColumnsMax = 60;

/** Exactly `rows` lines, none wider than `columns`. */
export function screenLines(model: WatchModel, view: ScreenView): string[] {
  const columns = Math.max(columnsMin, view.columns);
  const head = [titleLine(model, view), progressLine(model, columns), ...curveLines(model, columns), ""];
  const room = Math.max(0, view.rows - head.length - 1);
  const body = view.showsHelp ? helpLines() : panels(model, view, columns, room);
  const lines = [...head, ...body.slice(0, room)].slice(0, Math.max(0, view.rows - 1));
  while (lines.length < view.rows - 1) lines.push("");
  return [...lines, footLine(view)].map((line) => cut(line, columns));
}

function titleLine(model: WatchModel, view: ScreenView): string {
  const { runId, startedAt, at, ended, status, waitingFor } = model;
  const isReplay = view.replay !== null;
  const state = ended?.state ?? status?.state ?? (waitingFor === null ? "running" : "waiting");
  const end = ended || isReplay || status === null ? at : null;
  const endMs = end === null ? view.nowMs : Date.parse(end);
  const since = startedAt === null ? "" : ` for ${duration(Math.max(0, endMs - Date.parse(startedAt)) / 1000)}`;
  const reason = ended?.reason || status?.reason || waitingFor || "";
  const replay = isReplay ? pc.magenta(`  replay ${timeOf(at)}`) : "";
  return `${pc.bold(`run ${runId}`)}  ${stateText(state)}${since}${reason ? `: ${reason}` : ""}${replay}`;
}

function progressLine(model: WatchModel, columns: number): string {
  const { status, step, phase } = model;
  if (phase === "") return pc.dim("no phase has begun");
  const [done, total] = status ? [status.done, status.total] : [step?.done ?? 0, step?.total ?? 0];
  const title = status ? phaseTitle(status) : phase;
  const parts = [
    total > 0 ? `${bar(done, total)} ${done}/${total}` : "",
    outerText(status?.outer ?? null),
    model.imagesPerSecond ? `${model.imagesPerSecond.toFixed(1)} images/s` : "",
    model.etaSeconds === null ? "" : `ETA ${duration(model.etaSeconds)}`,
  ].filter((part) => part !== "");
  const short = columns < 80 && total > 0 ? [`${done}/${total}`, ...parts.slice(1)] : parts;
  return [pc.bold(title), ...short].join("  ");
}

function curveLines({ losses, stages }: WatchModel, columns: number): string[] {
  const width = Math.min(sparkColumnsMax, columns - 34);
  const loss =
    losses.length === 0
      ? pc.dim("no step yet")
      : `${pc.cyan(sparkline(losses, width))}  ${losses.at(-1)!.toFixed(3)} (from ${losses[0]!.toFixed(3)})`;
  return [`loss  ${loss}`, miouLine(stages, columns)];
}

/** Both on one scale of their own; a run without true masks has neither. */
function miouLine(stages: WatchModel["stages"], columns: number): string {
  const curve = (name: string, values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return "";
    return `${name} ${pc.green(sparkline(known, Math.floor(columns / 3)))} ${score(known.at(-1))}`;
  };
  const curves = [
    curve(
      "labels",
      stages.map(({ labels }) => labels),
    ),
    curve(
      "val",
      stages.map(({ val }) => val),
    ),
  ].filter((text) => text !== "");
  return `mIoU  ${curves.length > 0 ? curves.join("   ") : pc.dim("no true masks to measure with yet")}`;
}

function panels(model: WatchModel, view: ScreenView, columns: number, room: number): string[] {
  const workers = sortedWorkers(model);
  // A title, the column names and a line between.
  const roomForRows = Math.max(1, room - 5);
  const wanted = Math.max(1, workers.length);
  const workerRows = Math.min(wanted, Math.max(2, roomForRows - Math.min(model.troubles.length, roomForRows >> 1)));
  const troubleRows = Math.max(1, roomForRows - workerRows);
  return [
    panelTitle("workers", workers.length, view),
    ...workerLines(workers, model, view, columns, workerRows),
    "",
    panelTitle("troubles", model.troubles.length, view),
    ...troubleLines(model.troubles, view, columns, troubleRows),
  ];
}

const titles: Readonly<Record<Panel, string>> = { workers: "WORKERS", troubles: "ANOMALIES" };

function panelTitle(panel: Panel, count: number, { focus }: ScreenView): string {
  const title = `${titles[panel]} ${count}`;
  return focus === panel ? pc.bold(pc.cyan(title)) : pc.bold(title);
}

/** Those that do not compute first: they are the news. */
function sortedWorkers({ workers }: WatchModel): WatchedWorker[] {
  const rank = ({ state }: WatchedWorker) => (state === "active" ? 1 : 0);
  return [...workers.values()].sort((a, b) => rank(a) - rank(b) || (a.workerId < b.workerId ? -1 : 1));
}

function workerColumns(nowMs: number, isLive: boolean): Column<WatchedWorker>[] {
  return [
    { title: "worker", text: ({ workerId }) => workerId, widthMax: 28 },
    { title: "host", text: ({ host }) => host, dispensable: 3, widthMax: 20 },
    { title: "engine", text: ({ engine }) => engineOf(engine), dispensable: 5, widthMax: 24 },
    { title: "gpu", text: ({ device }) => gpuOf(device), dispensable: 4, widthMax: 22 },
    { title: "images/s", text: ({ imagesPerSecond }) => imagesPerSecond.toFixed(1), align: "right" },
    { title: "waits", text: ({ waitShare }) => `${Math.round(waitShare * 100)} %`, align: "right", dispensable: 1 },
    { title: "memory", text: ({ rssBytes }) => memoryText(rssBytes), align: "right", dispensable: 2 },
    { title: "beat", text: ({ beatAt }) => beatText(beatAt, nowMs, isLive), align: "right", dispensable: 2 },
    { title: "state", text: ({ state }) => state },
  ];
}

function workerLines(
  workers: readonly WatchedWorker[],
  model: WatchModel,
  view: ScreenView,
  columns: number,
  rows: number,
): string[] {
  if (workers.length === 0) return [pc.dim(model.waitingFor ?? "none has joined")];
  const isLive = model.status !== null && view.replay === null;
  const nowMs = isLive ? view.nowMs : Date.parse(model.at ?? "");
  const [head, ...lines] = textTable(workerColumns(nowMs, isLive), workers, columns);
  const shown = windowOf(lines, view.scroll.workers, rows);
  const first = Math.min(view.scroll.workers, Math.max(0, lines.length - rows));
  const colored = shown.map((line, row) => (workers[first + row]!.state === "active" ? line : pc.yellow(line)));
  return [pc.dim(head!), ...colored];
}

function troubleLines(troubles: readonly Trouble[], view: ScreenView, columns: number, rows: number): string[] {
  if (troubles.length === 0) return [pc.dim("none")];
  // The newest on top.
  const lines = [...troubles].reverse().map(({ at, what, reason }) => {
    const text = cutPlain(`${what}: ${reason}`, columns - 10);
    return `${pc.dim(timeOf(at))}  ${pc.yellow(text.slice(0, what.length))}${text.slice(what.length)}`;
  });
  return windowOf(lines, view.scroll.troubles, rows);
}

/** The last line says how many more there are. */
function windowOf(lines: readonly string[], first: number, rows: number): string[] {
  if (lines.length <= rows) return [...lines];
  const from = Math.min(first, lines.length - rows);
  const shown = lines.slice(from, from + rows);
  const below = lines.length - from - rows;
  return below > 0 ? [...shown.slice(0, -1), pc.dim(`... ${below + 1} more`)] : shown;
}

function helpLines(): string[] {
  return [
    pc.bold("KEYS"),
    "q, Ctrl-C      close this view; the run goes on",
    "left, right    back and forth through the run's phases; End: live again",
    "up, down       scroll the chosen list; PgUp, PgDn: by ten",
    "Tab            choose workers or anomalies",
    "?              this help",
    "",
    "waits: share of a worker's busy time that went into waiting for data.",
    "beat: since its last heartbeat. A line like the log: seedgrow watch --plain",
  ];
}

function footLine({ replay, showsHelp }: ScreenView): string {
  const keys = showsHelp ? "? back" : "q quit  ←→ replay  ↑↓ scroll  Tab list  ? help";
  return pc.dim(replay ? `${keys}  event ${replay.shown} of ${replay.total}, End: live` : keys);
}

/** "tfjs 4.22.0 / libtensorflow 2.21.0" -> "tensorflow 2.21.0": what computes. */
function engineOf(engine: string): string {
  return engine
    .slice(engine.lastIndexOf("/") + 1)
    .trim()
    .replace(/^lib/, "");
}

function memoryText(bytes: number | null): string {
  return bytes === null ? "-" : `${(bytes / 1e9).toFixed(1)} GB`;
}

function beatText(beatAt: string | null, nowMs: number, isLive: boolean): string {
  if (beatAt === null) return "-";
  return isLive ? `${Math.max(0, (nowMs - Date.parse(beatAt)) / 1000).toFixed(0)} s` : timeOf(beatAt);
}

function timeOf(iso: string | null): string {
  return iso === null ? "" : new Date(iso).toTimeString().slice(0, 8);
}
