/** "How the masks grew": one row per sample photo, one column per label version. */

import { IGNORE } from "../../shared/data/manifest.js";
import { overlayColor } from "../../shared/data/overlay.js";
import { decimal, plural } from "./format.js";
import { Html, html } from "./html.js";
import type { LabelPicture, Picture, ReportModel, SampleRow } from "./model.js";

/** Rows that are open from the start; they take turns over the classes, so every class is among them early. */
const openRows = 8;

export function gallery(model: ReportModel): Html {
  const { samples } = model;
  if (samples.length === 0) {
    return html`<section><h2>How the masks grew</h2><p class="soft">No labels have been written yet.</p></section>`;
  }
  const rest = samples.slice(openRows);
  return html`<section>
<h2>How the masks grew</h2>
<p class="soft">Each row is one training photo: where the classifier looked (CAM), then its mask after every stage${hasTruth(model) && ", and the true mask, which training never saw"}. Samples take turns over the classes; they are not picked for looks.</p>
<p>${legend(model)}</p>
${sampleTable(samples.slice(0, openRows), model)}
${rest.length > 0 && html`<details><summary>${plural(rest.length, "more photo")}</summary>${sampleTable(rest, model)}</details>`}
</section>`;
}

function sampleTable(rows: readonly SampleRow[], model: ReportModel): Html {
  const titles = columnTitles(model);
  return html`<div class="scroll" role="region" aria-label="Sample photos and their masks" tabindex="0">
<table class="samples" style="min-width:${titles.length * 118}px">
<thead><tr>${titles.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${rows.map((row) => sampleRow(row, model))}</tbody>
</table></div>`;
}

export function classSwatch(id: number, name: string): Html {
  return html`<span class="tag"><i${id === IGNORE && new Html(' class="hatched"')} style="background-color:rgb(${overlayColor(id).join(" ")})"></i>${name}</span>`;
}

function sampleRow(row: SampleRow, model: ReportModel): Html {
  const tags = row.tags.map((tag) => classSwatch(tag, model.classes[tag - 1] ?? `class ${tag}`));
  return html`<tr>
<th scope="row">${picture(row.photo, `Photo ${row.path}`)}${tags.length > 0 ? tags : html`<span class="tag">no tag</span>`}<small>${row.path}</small></th>
${hasHeat(model) && html`<td>${picture(row.heat, `Activation map of ${row.path}`, row.tags.length > 0 ? "missing" : "no tag")}</td>`}
${model.columns.map((column, i) => html`<td>${labelCell(row.labels[i] ?? null, `${column.title} mask of ${row.path}`)}</td>`)}
${hasTruth(model) && html`<td>${picture(row.truth, `True mask of ${row.path}`)}</td>`}
</tr>`;
}

function labelCell(label: LabelPicture | null, alt: string): Html {
  const score = label?.fgMiou ?? null;
  return html`${picture(label, alt)}${score !== null && html`<small>IoU ${decimal(score)}</small>`}`;
}

function picture(shown: Picture | null, alt: string, otherwise = "missing"): Html {
  if (shown === null) return html`<span class="missing">${otherwise}</span>`;
  return html`<img src="${shown.uri}" width="${shown.width}" height="${shown.height}" alt="${alt}">`;
}

function columnTitles(model: ReportModel): string[] {
  return [
    "Photo",
    ...(hasHeat(model) ? ["CAM"] : []),
    ...model.columns.map((column) => column.title),
    ...(hasTruth(model) ? ["Truth"] : []),
  ];
}

function legend({ classes, samples }: ReportModel): Html {
  const shown = new Set(samples.flatMap((row) => row.tags));
  const swatches = [...shown].sort((a, b) => a - b).map((id) => classSwatch(id, classes[id - 1] ?? `class ${id}`));
  return html`${swatches}${classSwatch(IGNORE, "undecided")}`;
}

function hasHeat({ samples }: ReportModel): boolean {
  return samples.some((row) => row.heat !== null);
}

function hasTruth({ samples }: ReportModel): boolean {
  return samples.some((row) => row.truth !== null);
}
