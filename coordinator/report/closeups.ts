/** Boundaries from near: where a photo's mask changed most between the seeds and the last round. */
import { classSwatch } from "./gallery.js";
import { type Html, html } from "./html.js";
import type { CloseUp, FailureCase, Picture, ReportModel } from "./model.js";

export function closeUpSection({ closeUps, columns }: ReportModel): Html | null {
  const [first, last] = [columns[0], columns.at(-1)];
  if (closeUps.length === 0 || !first || !last) return null;
  return html`<section><h2>Boundaries from near</h2>
<p class="soft">The part of each photo in which its mask changed most, before (${first.title}) and after (${last.title}).</p>
<div class="near">${closeUps.map((one) => closeUp(one, first.title, last.title))}</div>
</section>`;
}

function closeUp({ path, before, after, truth }: CloseUp, first: string, last: string): Html {
  return html`<figure><div class="pair">${shown(before, first, path)}${shown(after, last, path)}${truth && shown(truth, "Truth", path)}</div><figcaption><small>${path}</small></figcaption></figure>`;
}

export function failureSection({ failures, classes }: ReportModel): Html | null {
  if (failures === null || failures.cases.length === 0) return null;
  const { kind, cases, looked, of } = failures;
  const how =
    kind === "truth"
      ? "The training photos whose last mask fits its true mask least"
      : "No true masks were given: the training photos whose mask changed most in the last round, which is where to look first";
  const part = looked < of ? ` (of ${looked} looked at, chosen evenly from ${of})` : "";
  return html`<section><h2>Failure cases</h2>
<p class="soft">${how}${part}. They can be corrected: <code>seedgrow dashboard</code>.</p>
<div class="near">${cases.map((one) => failureCase(one, classes))}</div>
</section>`;
}

function failureCase({ path, tags, score, pictures }: FailureCase, classes: readonly string[]): Html {
  const named = tags.map((tag) => classSwatch(tag, classes[tag - 1] ?? `class ${tag}`));
  return html`<figure><div class="pair">${pictures.map(({ title, picture }) => shown(picture, title, path))}</div><figcaption>${named}<span>${score}</span><small>${path}</small></figcaption></figure>`;
}

function shown({ uri, width, height }: Picture, title: string, path: string): Html {
  return html`<span><img src="${uri}" width="${width}" height="${height}" alt="${title} of ${path}"><small>${title}</small></span>`;
}
