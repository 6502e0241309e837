/** The run's phases on one time axis, with what went wrong below: a picture and the same as a list. */
import { clockTime, duration, plural } from "./format.js";
import { type Html, html } from "./html.js";
import type { ReportModel } from "./model.js";
import type { Mark, PhaseSpan } from "./timeline.js";

/** More lines say less. */
const marksShown = 40;
/** Colours by kind of work, so that rounds read as a rhythm. */
const kinds = [/classif/, /train/, /refin|seed/, /./];

export function timelineSection({ timeline: { phases, marks } }: ReportModel): Html | null {
  if (phases.length === 0) return null;
  const times = [...phases.flatMap(({ from, to }) => [from, to ?? from]), ...marks.map(({ at }) => at)].map(Date.parse);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const share = (at: string) => (100 * (Date.parse(at) - first)) / Math.max(1, last - first);
  const troubles = marks.filter(({ isTrouble }) => isTrouble).length;
  return html`<section><h2>Timeline</h2>
<p class="soft">${plural(phases.length, "phase")} in ${duration((last - first) / 1000)}; ${troubles === 0 ? "nothing went wrong" : `${plural(troubles, "failure")}, marked below the bar`}.</p>
<div class="time" role="img" aria-label="${spoken(phases)}">
${phases.map((phase) => span(phase, share, last))}
${marks.map(({ at, text, isTrouble }) => html`<i class="${isTrouble ? "bad" : ""}" style="left:${share(at).toFixed(2)}%" title="${text}"></i>`)}
</div>
${marks.length > 0 && html`<details><summary>${plural(marks.length, "event")}</summary><ul class="log">${marks.slice(-marksShown).map(line)}</ul></details>`}
</section>`;
}

function span({ title, from, to }: PhaseSpan, share: (at: string) => number, last: number): Html {
  const end = to === null ? 100 : share(to);
  const seconds = ((to === null ? last : Date.parse(to)) - Date.parse(from)) / 1000;
  const kind = kinds.findIndex((one) => one.test(title));
  const words = `${title}: ${duration(seconds)}`;
  return html`<b class="s${kind}" style="left:${share(from).toFixed(2)}%;width:${(end - share(from)).toFixed(2)}%" title="${words}">${title}</b>`;
}

function spoken(phases: readonly PhaseSpan[]): string {
  return phases
    .map(({ title, from, to }) => (to ? `${title}: ${duration((Date.parse(to) - Date.parse(from)) / 1000)}` : title))
    .join("; ");
}

function line({ at, text, isTrouble }: Mark): Html {
  return html`<li${isTrouble && html` class="bad"`}><span>${clockTime(at)}</span> ${text}</li>`;
}
