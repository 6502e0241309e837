/**
 * Masks growing round by round, as films: all frames of one photo lie side by side in one picture that moves behind a
 * window, by CSS alone. Who wants no motion sees the last frame; who wants to look stops them.
 */
import { type Html, html } from "./html.js";
import type { ReportModel, SampleRow } from "./model.js";

/** Seconds that a frame is shown. */
const frameSeconds = 0.9;

export function growthSection(model: ReportModel): Html | null {
  const rows = model.samples.filter((row) => row.film !== null);
  if (rows.length === 0) return null;
  const titles = ["Photo", ...model.columns.map(({ title }) => title)];
  return html`<section class="films"><h2>Growing, round by round</h2>
<p class="soft">The same photos as above, one frame per stage. <label class="stop"><input type="checkbox"> Stop</label></p>
<div class="reel">${rows.map((row) => film(row, titles))}</div>
</section>`;
}

function film({ path, film }: SampleRow, titles: readonly string[]): Html {
  const { uri, width, height } = film!;
  const count = titles.length;
  const seconds = (count * frameSeconds).toFixed(1);
  const still = ((100 * (count - 1)) / count).toFixed(3);
  const motion = `--frames:${count};--seconds:${seconds}s;--still:-${still}%`;
  return html`<figure style="${motion}"><div class="window" style="aspect-ratio:${width / count}/${height}"><img src="${uri}" width="${width}" height="${height}" alt="${path}: its mask after every stage" style="width:${count * 100}%"></div>
<figcaption><span class="titles" aria-hidden="true"><span>${titles.map((title) => html`<b>${title}</b>`)}</span></span><small>${path}</small></figcaption></figure>`;
}
