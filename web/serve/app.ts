/** The page of `seedgrow serve`: drop, paste or choose a photo; see its mask. */
import { foundIn, LocalModel } from "./local.js";
import { draw, type FoundClass, labelsOf, type Prediction, type Rgb } from "./picture.js";

interface Health {
  readonly model: { readonly runId: string; readonly round: number; readonly imageSize: number };
  readonly engine: { readonly version: string };
  readonly classes: readonly { readonly id: number; readonly name: string; readonly color: Rgb }[];
}

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = element<HTMLCanvasElement>("canvas");
const opacity = element<HTMLInputElement>("opacity");
const stage = element("stage");

const health = (await (await fetch("/healthz")).json()) as Health;
const localModel = new LocalModel(health.model.imageSize);
const colors = new Map(health.classes.map(({ id, color }) => [id, color]));
const hidden = new Set<number>();
let shown: { photo: ImageBitmap; labels: Uint8Array | null } | null = null;
/** Answers to earlier photos come too late. */
let asked = 0;
let last: Photo | null = null;

element("model").textContent = `run ${health.model.runId}, round ${health.model.round}; ${health.engine.version}`;
element("curl").textContent = `curl --data-binary @photo.jpg ${location.host}/predict > mask.png`;
fillLegend(null);

type Photo = Blob & { readonly name?: string };

/** A mask, wherever it was computed. */
interface Answer {
  readonly labels: Uint8Array;
  readonly classes: readonly Omit<FoundClass, "rle">[];
  readonly ms: number;
  readonly where: string;
  /** A palette PNG of the photo's size. */
  readonly png: () => Promise<Blob>;
}

async function segment(file: Photo): Promise<void> {
  const turn = ++asked;
  element("error").hidden = true;
  try {
    const photo = await createImageBitmap(file, { imageOrientation: "from-image" });
    element("save").hidden = true;
    last = file;
    shown = { photo, labels: null };
    say("Segmenting…", true);
    paint();
    const answer = isLocal() ? await askPage(photo) : await askServer(file);
    if (turn !== asked) return;
    shown = { ...shown, labels: answer.labels };
    fillLegend(answer);
    say(summary(answer, photo), false);
    element("save").hidden = false;
    element("save").onclick = () => void save(file, answer);
  } catch (error) {
    if (turn === asked) fail(error instanceof Error ? error.message : String(error));
  }
  paint();
}

function isLocal(): boolean {
  return document.querySelector<HTMLInputElement>("input[name=where]:checked")?.value === "page";
}

async function askPage(photo: ImageBitmap): Promise<Answer> {
  const { labels, ms, backend } = await localModel.segment(photo);
  const png = () => palettePng(labels, photo.width, photo.height);
  return { labels, classes: foundIn(labels, health.classes), ms, where: `in this page, ${backend}`, png };
}

/** Class colours, opaque: a browser writes no palette PNGs. */
function palettePng(labels: Uint8Array, width: number, height: number): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const picture = new ImageData(width, height);
  for (let i = 0; i < labels.length; i++) picture.data.set([...(colors.get(labels[i]!) ?? [0, 0, 0]), 255], i * 4);
  canvas.getContext("2d")!.putImageData(picture, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

async function askServer(file: Blob): Promise<Answer> {
  const response = await fetch("/predict?format=json", { method: "POST", body: file });
  const answer = await response.json();
  if (!response.ok) {
    const { message, hint } = (answer as { error: { message: string; hint: string } }).error;
    throw new Error(`${message}. ${hint}`);
  }
  const prediction = answer as Prediction;
  // The PNG is made when it is wanted: most people only look.
  const png = async () => {
    const made = await fetch("/predict?format=png", { method: "POST", body: file });
    if (!made.ok) throw new Error(`the mask cannot be saved (status ${made.status})`);
    return made.blob();
  };
  return { ...prediction, labels: labelsOf(prediction), where: "on the server", png };
}

async function save(file: Photo, { png }: Answer): Promise<void> {
  try {
    const href = URL.createObjectURL(await png());
    const download = `${(file.name ?? "photo").replace(/\.[^.]+$/, "")}.png`;
    Object.assign(document.createElement("a"), { href, download }).click();
    URL.revokeObjectURL(href);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function paint(): void {
  element("percent").textContent = `${opacity.value} %`;
  if (shown === null) return;
  element("invite").hidden = true;
  canvas.hidden = false;
  stage.classList.add("full");
  const colorOf = (id: number) => colors.get(id) ?? ([255, 255, 255] as const);
  draw(canvas, shown.photo, shown.labels, { opacity: Number(opacity.value) / 100, hidden, colorOf });
}

function fillLegend(prediction: Answer | null): void {
  const shares = new Map(prediction?.classes.map(({ id, share }) => [id, share]));
  const rows = health.classes.map(({ id, name, color }) => {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !hidden.has(id) });
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(id);
      else hidden.add(id);
      paint();
    });
    const swatch = Object.assign(document.createElement("span"), { className: "swatch" });
    swatch.style.background = `rgb(${color.join(" ")})`;
    const share = shares.get(id);
    const label = document.createElement("label");
    label.append(box, swatch, textSpan("name", name), textSpan("soft num", prediction ? percent(share ?? 0) : ""));
    const row = document.createElement("li");
    row.className = prediction && share === undefined ? "absent" : "";
    row.append(label);
    return row;
  });
  element("legend").replaceChildren(...rows);
}

function textSpan(className: string, text: string): HTMLSpanElement {
  return Object.assign(document.createElement("span"), { className, textContent: text });
}

function summary({ classes, ms, where }: Answer, { width, height }: ImageBitmap): string {
  const found = classes.map(({ name, share }) => `${name} ${percent(share)}`);
  return `${found.length > 0 ? found.join(", ") : "Only background"}. ${width}×${height} pixels in ${(ms / 1000).toFixed(1)} s, ${where}.`;
}

function percent(share: number): string {
  return share > 0 && share < 0.001 ? "< 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

function say(text: string, isBusy: boolean): void {
  element("status").textContent = text;
  stage.classList.toggle("busy", isBusy);
  canvas.setAttribute("aria-label", isBusy ? "The photo; its mask is being made" : `The photo with its mask: ${text}`);
}

function fail(message: string): void {
  say("No mask.", false);
  element("error").hidden = false;
  element("error").textContent = message;
}

function pick(files: FileList | null | undefined): void {
  const file = files?.[0];
  if (file) void segment(file);
}

element<HTMLInputElement>("file").addEventListener("change", (event) => pick((event.target as HTMLInputElement).files));
opacity.addEventListener("input", paint);
for (const choice of document.querySelectorAll("input[name=where]")) {
  choice.addEventListener("change", () => {
    if (last) void segment(last);
  });
}
document.addEventListener("paste", (event) => pick(event.clipboardData?.files));
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    stage.classList.toggle("over", type === "dragenter" || type === "dragover");
    if (type === "drop") pick((event as DragEvent).dataTransfer?.files);
  });
}
