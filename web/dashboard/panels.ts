/** The overview: state, curves, workers, stages and timeline. Drawn anew whenever the run has moved. */
import { byId, type Child, clock, decimal, duration, make, percent } from "./dom.js";

export interface ClassInfo {
  readonly id: number;
  readonly name: string;
  readonly color: readonly [number, number, number];
}

export interface StatusNow {
  readonly reason: string;
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  /** In words; empty where every step is summed. */
  readonly outer: string;
  readonly etaSeconds: number | null;
  readonly loss: number | null;
  readonly imagesPerSecond: number;
}

export interface Overview {
  readonly runId: string;
  readonly state: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly seconds: number;
  readonly photos: number | null;
  readonly classes: readonly ClassInfo[];
  readonly columns: readonly { readonly version: number; readonly title: string }[];
  readonly stages: readonly {
    readonly title: string;
    readonly labelMiou: number | null;
    readonly labelBoundaryIou: number | null;
    readonly valMiou: number | null;
    readonly valBoundaryIou: number | null;
    readonly changedShare: number | null;
    readonly seconds: number;
  }[];
  readonly charts: { readonly scores: readonly string[]; readonly losses: readonly string[] };
  readonly timeline: {
    readonly phases: readonly { readonly title: string; readonly from: string; readonly to: string | null }[];
    readonly marks: readonly { readonly at: string; readonly text: string; readonly isTrouble: boolean }[];
  };
  readonly workers: readonly {
    readonly id: string;
    readonly host: string;
    readonly engine: string;
    readonly state: string;
    readonly imagesPerSecond: number | null;
    readonly waitShare: number | null;
    readonly gpu: string;
    readonly rssBytes: number | null;
    readonly beatAt: string | null;
  }[];
  readonly status: StatusNow | null;
}

export function drawOverview(overview: Overview): void {
  const { state, photos, classes, createdAt, seconds, stages, workers, charts } = overview;
  byId("state").textContent = state;
  byId("state").classList.toggle("bad", state === "failed" || state === "killed");
  const names = classes.map(({ name }) => name).join(", ");
  const took = seconds > 0 ? `, ${duration(seconds)}` : "";
  byId("facts").textContent =
    `${photos ?? "?"} photos of ${names}; started ${new Date(createdAt).toLocaleString()}${took}`;
  // Drawn and escaped by the server, as in the report.
  byId("scores").innerHTML = charts.scores.join("");
  byId("losses").innerHTML = charts.losses.join("");
  byId("losses").parentElement!.hidden = charts.losses.length === 0;
  drawTimeline(overview);
  fillTable(
    "workers",
    ["worker", "host", "state", "images/s", "waiting", "GPU", "memory", "heartbeat", "engine"],
    workers.map((row) => [
      ...[row.id, row.host, row.state, rate(row.imagesPerSecond), percent(row.waitShare), row.gpu || "–"],
      row.rssBytes === null ? "–" : `${(row.rssBytes / 1e9).toFixed(1)} GB`,
      ...[row.beatAt === null ? "–" : clock(row.beatAt), row.engine],
    ]),
  );
  fillTable(
    "stages",
    ["stage", "labels mIoU", "labels Boundary IoU", "val mIoU", "val Boundary IoU", "changed", "took"],
    stages.map((row) => [
      row.title,
      ...[row.labelMiou, row.labelBoundaryIou, row.valMiou, row.valBoundaryIou].map(decimal),
      ...[percent(row.changedShare), duration(row.seconds)],
    ]),
  );
  drawNow(overview.status);
}

export function drawNow(status: StatusNow | null): void {
  byId("now").hidden = status === null;
  if (status === null) return;
  const { phase, done, total, outer, loss, etaSeconds, imagesPerSecond, reason } = status;
  const parts = [
    `${phase}: ${done} of ${total}`,
    outer,
    loss === null ? "" : `loss ${loss.toFixed(3)}`,
    `${imagesPerSecond.toFixed(1)} images/s`,
    etaSeconds === null ? "" : `${duration(etaSeconds)} left`,
    reason,
  ];
  byId("now-text").textContent = parts.filter((part) => part !== "").join("; ");
  byId<HTMLProgressElement>("now-bar").value = total > 0 ? done / total : 0;
}

function rate(value: number | null): string {
  return value === null ? "–" : value.toFixed(1);
}

function fillTable(id: string, heads: readonly string[], rows: readonly (readonly string[])[]): void {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map(([first, ...rest]) =>
    make("tr", {}, make("th", { scope: "row" }, first ?? ""), ...rest.map((text) => make("td", {}, text))),
  );
  const none = make("tr", {}, make("td", { className: "word soft", colSpan: heads.length }, "None yet."));
  // Wider than a phone: the keyboard scrolls it too.
  byId(id).parentElement!.tabIndex = 0;
  byId(id).replaceChildren(make("thead", {}, head), make("tbody", {}, ...(body.length > 0 ? body : [none])));
}

/** Colours by kind of work, so that rounds read as a rhythm. */
const kinds = [/classif/, /train/, /refin|seed/, /./];

function drawTimeline({ timeline, finishedAt, state }: Overview): void {
  const { phases, marks } = timeline;
  const times = [...phases.flatMap(({ from, to }) => [from, to ?? from]), ...marks.map(({ at }) => at)].map(Date.parse);
  if (times.length === 0) {
    byId("timeline").replaceChildren(make("p", { className: "soft" }, "Nothing has happened yet."));
    return;
  }
  const first = Math.min(...times);
  const last = Math.max(...times, state === "running" ? Date.now() : Date.parse(finishedAt ?? "") || 0);
  const share = (at: number) => (100 * (at - first)) / Math.max(1, last - first);
  const track = make("div", { className: "track" });
  for (const { title, from, to } of phases) {
    const [start, end] = [Date.parse(from), to === null ? last : Date.parse(to)];
    const words = `${title}: ${duration((end - start) / 1000)}${to === null ? " so far" : ""}`;
    const span = make(
      "div",
      { className: `span k${kinds.findIndex((kind) => kind.test(title))}`, title: words },
      title,
    );
    span.style.left = `${share(start)}%`;
    span.style.width = `${share(end) - share(start)}%`;
    track.append(span);
  }
  const ticks = make("div", { className: "ticks" });
  for (const { at, text, isTrouble } of marks) {
    const tick = make("span", { className: isTrouble ? "tick bad" : "tick", title: `${clock(at)} ${text}` });
    tick.style.left = `${Math.min(99.6, share(Date.parse(at)))}%`;
    ticks.append(tick);
  }
  const lines: Child[] = marks.toReversed().map(({ at, text, isTrouble }) => {
    const time = make("span", { className: "soft num" }, clock(at));
    return make("li", {}, time, make("span", { className: isTrouble ? "bad" : "" }, text));
  });
  track.setAttribute("aria-hidden", "true");
  ticks.setAttribute("aria-hidden", "true");
  byId("timeline").replaceChildren(track, ticks, make("ul", { className: "log", tabIndex: 0 }, ...lines));
}
