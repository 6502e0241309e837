/**
 * The report of a run as one HTML page: no script, no request to anywhere (its own Content-Security-Policy says so), so
 * it can be mailed, archived and opened years later.
 */
import { stringify } from "yaml";
import { closeUpSection, failureSection } from "./closeups.js";
import { lossCharts, scoreCharts, trimapChart } from "./curves.js";
import { dateTime, duration, plural, shellLine } from "./format.js";
import { gallery } from "./gallery.js";
import { growthSection } from "./growth.js";
import { headline } from "./headline.js";
import { Html, html } from "./html.js";
import type { ReportModel } from "./model.js";
import { css } from "./style.js";
import { classBars, stageTable } from "./tables.js";
import { timelineSection } from "./timeline-view.js";

export function renderReport(model: ReportModel): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>seedgrow ${model.run.runId}</title>
<style>${new Html(css)}</style>
</head>
<body><main>
${headline(model)}
${gallery(model)}
${growthSection(model)}
${closeUpSection(model)}
${curves(model)}
${classBars(model)}
${failureSection(model)}
${stageTable(model)}
${timelineSection(model)}
${reproduce(model)}
<footer>Written by seedgrow ${model.run.seedgrowVersion}. Scores are explained in docs/METRICS.md.</footer>
</main></body>
</html>
`.text;
}

function curves(model: ReportModel): Html {
  const scores = [...scoreCharts(model), ...[trimapChart(model)].filter((chart) => chart !== null)];
  const losses = lossCharts(model.stages);
  return html`${scores.length > 0 && html`<section><h2>Scores, stage by stage</h2><div class="charts">${scores}</div></section>`}
${losses.length > 0 && html`<section><h2>Training loss</h2><div class="charts small">${losses}</div></section>`}`;
}

function reproduce({ run, manifestSha256, trainImages, corrections }: ReportModel): Html {
  return html`<section><h2>How to reproduce</h2>
<p class="soft">The same data, configuration, seed and engine give the same weights, bit for bit, whatever the number of workers.</p>
<pre>${shellLine(["seedgrow", ...run.command])}</pre>
<dl class="facts">
<dt>Seed</dt><dd>${run.seed}</dd>
<dt>Data</dt><dd>${trainImages === null ? "unknown" : plural(trainImages, "photo")}${manifestSha256 !== null && html`; manifest.json has SHA-256 <code>${manifestSha256}</code> and names every photo by its own`}</dd>
${corrections.map(({ round, digest }) => html`<dt>Corrections</dt><dd>round ${round} took corrections/round-${String(round).padStart(3, "0")}.json, SHA-256 <code>${digest}</code></dd>`)}
<dt>seedgrow</dt><dd>${run.seedgrowVersion}</dd>
<dt>Started</dt><dd>${dateTime(run.createdAt)}</dd>
<dt>Finished</dt><dd>${run.finishedAt === null ? "not yet" : dateTime(run.finishedAt)}</dd>
<dt>Duration</dt><dd>${duration(run.seconds)}</dd>
<dt>Weights</dt><dd>${run.weightsSha256 === null ? "none yet" : html`SHA-256 <code>${run.weightsSha256}</code>`}</dd>
</dl>
${workersTable(run.workers)}
<details><summary>Configuration</summary><pre>${stringify(run.config)}</pre></details>
</section>`;
}

function workersTable(workers: ReportModel["run"]["workers"]): Html | null {
  if (workers.length === 0) return null;
  return html`<div class="scroll" role="region" aria-label="Workers" tabindex="0"><table class="words">
<thead><tr><th scope="col">Worker</th><th scope="col">Host</th><th scope="col">Engine</th></tr></thead>
<tbody>${workers.map(({ id, host, engine }) => html`<tr><th scope="row">${id}</th><td>${host}</td><td>${engine}</td></tr>`)}</tbody>
</table></div>`;
}
