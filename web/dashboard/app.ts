/** The dashboard's page: a run's overview and gallery, kept current by server-sent events. */
import { byId, getJson, make } from "./dom.js";
import { type Column, Gallery, type GalleryState, type ImageInfo } from "./gallery.js";
import { drawNow, drawOverview, type Overview, type StatusNow } from "./panels.js";
import { markOf, Review, type Reviewed } from "./review.js";
import { Viewer } from "./viewer.js";

const runSelect = byId<HTMLSelectElement>("run");
const columnSlider = byId<HTMLInputElement>("column");
const opacitySlider = byId<HTMLInputElement>("opacity");
const filterSelect = byId<HTMLSelectElement>("filter");
const sortSelect = byId<HTMLSelectElement>("sort");
const reviewSelect = byId<HTMLSelectElement>("review-filter");

let base = "";
let overview: Overview | null = null;
let images: readonly ImageInfo[] = [];
let columns: readonly Column[] = [];
let disagreement: readonly (number | null)[] = [];
/** Versions that `disagreement` compares. */
let compared = "";
let reviewed: Reviewed = { photos: {}, nextRound: 1 };
/** What the workers do is not in the run's files: looked at this often while it runs. */
const refreshIntervalMs = 10_000;
let refreshedMs = 0;
let live: EventSource | null = null;
let shownState: GalleryState | null = null;

const review = new Review((now) => {
  reviewed = now;
  drawGallery();
});
const viewer = new Viewer(review, (position) => gallery.focus(position));
const gallery = new Gallery((position) => {
  if (shownState) viewer.open(shownState, columns, position);
});

async function openRun(runId: string): Promise<void> {
  live?.close();
  base = `/api/runs/${runId}`;
  [overview, images, disagreement, columns, compared] = [null, [], [], [], ""];
  await refresh();
  live = new EventSource(`${base}/live`);
  live.addEventListener("change", () => void guarded(refresh));
  live.addEventListener("status", ({ data }) => {
    drawNow(JSON.parse(data) as StatusNow);
    if (Date.now() - refreshedMs > refreshIntervalMs) void guarded(refresh);
  });
}

/** After every change of the run's files. A viewer who looks at the newest round is taken along to the next. */
async function refresh(): Promise<void> {
  refreshedMs = Date.now();
  const atEnd = columns.length === 0 || Number(columnSlider.value) === columns.length - 1;
  const known = columns.length;
  overview = await getJson<Overview>(base);
  drawOverview(overview);
  if (images.length === 0) images = await getJson<ImageInfo[]>(`${base}/images`);
  reviewed = review.set(await getJson<Reviewed>(`${base}/corrections`));
  columns = columnsOf(overview);
  columnSlider.max = String(columns.length - 1);
  if (atEnd) columnSlider.value = columnSlider.max;
  fillFilter(overview);
  if (columns.length !== known || shownState === null) await showColumn();
}

async function showColumn(): Promise<void> {
  drawGallery();
  await compareRounds();
}

function columnsOf({ columns: versions }: Overview): Column[] {
  const from = base;
  return [
    { title: "Photo", version: null, url: null },
    { title: "CAM", version: null, url: (image) => `${from}/cam/${image}` },
    ...versions.map(({ version, title }) => {
      return { title, version, url: (image: number) => `${from}/labels/${version}/${image}` };
    }),
  ];
}

/**
 * The round shown with the one before it; else the last two. Slow the first time with thousands of photos: the page is
 * usable before it is here.
 */
async function compareRounds(): Promise<void> {
  const versions = columns.filter(({ version }) => version !== null);
  const shown = versions.indexOf(columns[Number(columnSlider.value)]!);
  const at = shown > 0 ? shown : versions.length - 1;
  const [before, after] = [versions[at - 1], versions[at]];
  sortSelect.disabled = !before || !after;
  if (!before || !after) return;
  const pair = `${before.version}/${after.version}`;
  if (pair === compared) return;
  compared = pair;
  const answer = await getJson<(number | null)[]>(`${base}/disagreement/${pair}`);
  if (pair !== compared) return;
  disagreement = answer;
  drawGallery();
}

function drawGallery(): void {
  const column = columns[Number(columnSlider.value)];
  if (!column || !overview) return;
  byId("column-name").textContent = column.title;
  byId("opacity-name").textContent = `${opacitySlider.value} %`;
  const shown = sorted(images.flatMap((image, index) => (isWanted(image) && isInReview(index) ? [index] : [])));
  const opacity = Number(opacitySlider.value) / 100;
  shownState = { base, images, shown, column, opacity, classes: overview.classes, disagreement, reviewed };
  gallery.show(shownState);
  byId("count").textContent =
    shown.length === images.length ? `${shown.length} photos` : `${shown.length} of ${images.length} photos`;
}

function isWanted({ tags }: ImageInfo): boolean {
  if (filterSelect.value === "") return true;
  return filterSelect.value === "0" ? tags.length === 0 : tags.includes(Number(filterSelect.value));
}

function isInReview(index: number): boolean {
  const mark = markOf(reviewed.photos[index])?.words ?? "none";
  return reviewSelect.value === "" || reviewSelect.value === mark;
}

function sorted(shown: number[]): number[] {
  if (sortSelect.value === "order") return shown;
  const sign = sortSelect.value === "most" ? -1 : 1;
  // What cannot be compared comes last, either way.
  const key = (image: number) => sign * (disagreement[image] ?? sign * 2);
  return shown.sort((a, b) => key(a) - key(b) || a - b);
}

function fillFilter({ classes }: Overview): void {
  if (filterSelect.options.length === classes.length + 2) return;
  const option = (value: string, text: string) => make("option", { value, textContent: text });
  const named = classes.map(({ id, name }) => option(String(id), name));
  filterSelect.replaceChildren(option("", "all"), ...named, option("0", "no tag"));
  byId("legend").replaceChildren(
    ...classes.map(({ name, color }) => {
      const swatch = make("i", { className: "swatch" });
      swatch.style.background = `rgb(${color.join(" ")})`;
      return make("span", {}, swatch, name);
    }),
  );
}

async function guarded(work: () => Promise<void>): Promise<void> {
  try {
    await work();
    byId("error").hidden = true;
  } catch (error) {
    byId("error").hidden = false;
    byId("error").textContent = error instanceof Error ? error.message : String(error);
  }
}

async function start(): Promise<void> {
  const runs = await getJson<{ runId: string }[]>("/api/runs");
  runSelect.replaceChildren(...runs.map(({ runId }) => make("option", { value: runId }, runId)));
  if (runs.length === 0) throw new Error("There is no run here yet: reload when one has begun.");
  const asked = new URLSearchParams(location.search).get("run");
  runSelect.value = runs.find(({ runId }) => runId === asked)?.runId ?? runs[0]!.runId;
  await openRun(runSelect.value);
}

runSelect.addEventListener("change", () => {
  shownState = null;
  history.replaceState(null, "", `?run=${encodeURIComponent(runSelect.value)}`);
  void guarded(() => openRun(runSelect.value));
});
columnSlider.addEventListener("input", () => void guarded(showColumn));
reviewSelect.addEventListener("change", drawGallery);
opacitySlider.addEventListener("input", () => {
  byId("opacity-name").textContent = `${opacitySlider.value} %`;
  const opacity = Number(opacitySlider.value) / 100;
  if (shownState) shownState = { ...shownState, opacity };
  gallery.fade(opacity);
});
filterSelect.addEventListener("change", drawGallery);
sortSelect.addEventListener("change", drawGallery);
void guarded(start);
