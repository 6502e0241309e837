/** The top of the report: what this run is, how it went, and the few numbers that matter. */
import type { Scores } from "../../shared/math/scores.js";
import { decimal, duration, listing, percent, plural, stageTitle } from "./format.js";
import { type Html, html } from "./html.js";
import { firstScored, lastScored, type ReportModel } from "./model.js";

interface Card {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly main?: boolean;
}

export function headline(model: ReportModel): Html {
  const { run, problems } = model;
  return html`<header>
<p class="eyebrow">seedgrow run ${run.runId}<span class="state">${run.state}</span></p>
<h1>${titleOf(model)}</h1>
<p class="lede">${ledeOf(model)}</p>
${stateNotice(model)}
${problems.map((problem) => html`<p class="notice">${problem}</p>`)}
<dl class="cards">${cardsOf(model).map(drawCard)}</dl>
</header>`;
}

function titleOf({ classes, trainImages }: ReportModel): string {
  const what =
    classes.length > 0 && classes.length <= 4 ? listing(classes) : plural(classes.length, "class", "classes");
  return trainImages === null
    ? `Masks for ${what}`
    : `Masks for ${what}, grown from the tags of ${plural(trainImages, "photo")}`;
}

function ledeOf({ run, stages }: ReportModel): string {
  const rounds = stages.filter((stage) => stage.name.startsWith("round")).length;
  const hosts = new Set(run.workers.map((worker) => worker.host)).size;
  const where =
    run.workers.length === 0 ? "" : ` on ${plural(run.workers.length, "worker")} (${plural(hosts, "machine")})`;
  return `No mask was used for training: a classifier's activation maps gave the seeds, and ${plural(rounds, "round")} of training and relabelling grew them${where}.`;
}

function stateNotice({ run, stages }: ReportModel): Html | null {
  const last = stages.at(-1);
  const upTo = last ? `Finished so far: up to ${stageTitle(last.name)}.` : "No stage has finished yet.";
  if (run.state === "running") {
    return html`<p class="notice" role="status">This run was still going when this page was written. ${upTo} The page is rewritten after every round.</p>`;
  }
  if (run.state === "done") return null;
  const what = run.state === "failed" ? "This run failed before its end." : "This run was stopped before its end.";
  return html`<p class="notice" role="status">${what} ${upTo} <code>seedgrow resume ${run.runId}</code> goes on from the last checkpoint.</p>`;
}

function cardsOf(model: ReportModel): Card[] {
  const { run, stages, ellipse } = model;
  const val = lastScored(stages, "val");
  const labels = lastScored(stages, "labels");
  const changed = stages.findLast((stage) => stage.changedShare !== null)?.changedShare;
  return [
    ...(val ? scoreCards(val, lastScored(stages, "valGated"), ellipse?.val ?? null) : []),
    ...(labels ? [labelCard(labels, firstScored(stages, "labels")!, !val)] : []),
    ...(!val && !labels ? [unmeasuredCard(model)] : []),
    ...(changed === undefined
      ? []
      : [{ name: "Still changing", value: percent(changed), note: "of the label pixels in the last relabelling" }]),
    { name: "Time", value: duration(run.seconds), note: stagesNote(model) },
  ];
}

function unmeasuredCard({ stages }: ReportModel): Card {
  const note =
    stages.length > 0 ? "no true masks were given, so nothing could be measured" : "nothing has been measured yet";
  return { name: "Scores", value: "–", note };
}

function scoreCards(scores: Scores, gated: Scores | null, ellipse: Scores | null): Card[] {
  const on = `${scores.images} val photos, no tags given${gated ? ` (${decimal(gated.miou)} with them)` : ""}`;
  const beside = (value: number | null | undefined) => (ellipse ? `; a centred ellipse: ${decimal(value)}` : "");
  return [
    { name: "mIoU", value: decimal(scores.miou), note: `${on}${beside(ellipse?.miou)}`, main: true },
    {
      name: "Boundary IoU",
      value: decimal(scores.boundaryIou),
      note: `how well contours fit${beside(ellipse?.boundaryIou)}`,
      main: true,
    },
  ];
}

function labelCard(last: Scores, first: Scores, main: boolean): Card {
  return {
    name: "Label mIoU",
    value: decimal(last.miou),
    note: `pseudo-labels of ${last.images} photos; ${decimal(first.miou)} at first`,
    main,
  };
}

function stagesNote({ stages }: ReportModel): string {
  return stages.length === 0
    ? "no stage finished"
    : `${plural(stages.length, "stage")}, last: ${stageTitle(stages.at(-1)!.name)}`;
}

function drawCard({ name, value, note, main }: Card): Html {
  return html`<div class="card${main ? " main" : ""}"><dt>${name}</dt><dd class="value">${value}</dd><dd class="note">${note}</dd></div>`;
}
