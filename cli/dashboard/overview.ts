/** What the page shows of a run besides its photos: state, scores, curves (drawn as in the report), workers, timeline. */
import { isHeld } from "../../coordinator/adapters/live-run.js";
import { lossCharts, scoreCharts } from "../../coordinator/report/curves.js";
import { stageTitle } from "../../coordinator/report/format.js";
import { emptyModel } from "../../coordinator/report/model.js";
import { chooseColumns } from "../../coordinator/report/samples.js";
import { timelineOf } from "../../coordinator/report/timeline.js";
import { overlayColor } from "../../shared/data/overlay.js";
import type { StageRecord } from "../../shared/data/run-record.js";
import type { RunStatus } from "../../shared/net/subjects.js";
import { isEnded, viewOfFolder } from "../run-view.js";
import { outerText } from "../status-line.js";
import type { RunReader } from "./run-reader.js";
import { workersOf } from "./workers.js";

/** Rounds on the slider; more are rare and thinned evenly. */
const columnsMax = 40;

export async function overviewOf(reader: RunReader) {
  const { store } = reader;
  const [run, stages, manifest, events, ellipse] = await Promise.all([
    store.readRecord(),
    store.readStages(),
    reader.manifest(),
    reader.events(),
    store.readEllipse(),
  ]);
  const classes = manifest?.classes ?? [];
  const trainImages = manifest?.train.images.length ?? null;
  const model = { ...emptyModel, run, stages, ellipse, classes, trainImages };
  const status = await liveStatus(reader);
  return {
    runId: run.runId,
    state: run.state === "running" && !(await isHeld(reader.dir)) ? "killed" : run.state,
    createdAt: run.createdAt,
    finishedAt: run.finishedAt,
    seconds: run.seconds,
    photos: trainImages,
    classes: classes.map((name, index) => ({ id: index + 1, name, color: overlayColor(index + 1) })),
    stages: stages.map(stageRow),
    columns: chooseColumns(stages, columnsMax),
    charts: { scores: scoreCharts(model).map(({ text }) => text), losses: lossCharts(stages).map(({ text }) => text) },
    timeline: timelineOf(events),
    workers: workersOf(run, events, status),
    status: status && statusNow(status),
  };
}

/** Null: nobody works on it (any more), or the bus does not answer. */
export async function liveStatus(reader: RunReader): Promise<RunStatus | null> {
  if (!(await isHeld(reader.dir))) return null;
  return viewOfFolder(reader.dir).then(
    (view) => (isEnded(view.state) ? null : view.status),
    () => null,
  );
}

function stageRow({ name, labels, val, changedShare, seconds }: StageRecord) {
  return {
    title: stageTitle(name),
    labelMiou: labels?.miou ?? null,
    labelBoundaryIou: labels?.boundaryIou ?? null,
    valMiou: val?.miou ?? null,
    valBoundaryIou: val?.boundaryIou ?? null,
    changedShare,
    seconds,
  };
}

export function statusNow(status: RunStatus) {
  const { state, reason, phase, done, total, etaSeconds, loss, imagesPerSecond } = status;
  return { state, reason, phase, done, total, outer: outerText(status.outer), etaSeconds, loss, imagesPerSecond };
}
