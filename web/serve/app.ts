/** The page of `seedgrow serve`: drop, paste or choose a photo; see its mask. */
import { draw, labelsOf, type Prediction, type Rgb } from "./picture.js";

interface Health {
  readonly model: { readonly runId: string; readonly round: number };
  readonly engine: { readonly version: string };
  readonly classes: readonly { readonly id: number; readonly name: string; readonly color: Rgb }[];
}

const element = <T extends HTMLElement>(id: string) => document.getElementById(id) as T;
const canvas = element<HTMLCanvasElement>("canvas");
const opacity = element<HTMLInputElement>("opacity");
const stage = element("stage");

const health = (await (await fetch("/healthz")).json()) as Health;
const colors = new Map(health.classes.map(({ id, color }) => [id, color]));
const hidden = new Set<number>();
let shown: { photo: ImageBitmap; labels: Uint8Array | null } | null = null;
/** Answers to earlier photos come too late. */
let asked = 0;

element("model").textContent = `run ${health.model.runId}, round ${health.model.round}; ${health.engine.version}`;
element("curl").textContent = `curl --data-binary @photo.jpg ${location.host}/predict > mask.png`;
fillLegend(null);

async function segment(file: Blob & { readonly name?: string }): Promise<void> {
  const turn = ++asked;
  element("error").hidden = true;
  try {
    const photo = await createImageBitmap(file, { imageOrientation: "from-image" });
    element("save").hidden = true;
    shown = { photo, labels: null };
    say("Segmenting…", true);
    paint();
    const prediction = await askServer(file);
    if (turn !== asked) return;
    shown = { ...shown, labels: labelsOf(prediction) };
    fillLegend(prediction);
    say(summary(prediction), false);
    element("save").hidden = false;
    element("save").onclick = () => void save(file);
  } catch (error) {
    if (turn === asked) fail(error instanceof Error ? error.message : String(error));
  }
  paint();
}

async function askServer(file: Blob): Promise<Prediction> {
  const response = await fetch("/predict?format=json", { method: "POST", body: file });
  const answer = await response.json();
  if (response.ok) return answer as Prediction;
  const { message, hint } = (answer as { error: { message: string; hint: string } }).error;
  throw new Error(`${message}. ${hint}`);
}

/** The PNG is made when it is wanted: most people only look. */
async function save(file: Blob & { readonly name?: string }): Promise<void> {
  const response = await fetch("/predict?format=png", { method: "POST", body: file });
  if (!response.ok) {
    fail(`the mask cannot be saved (status ${response.status})`);
    return;
  }
  const href = URL.createObjectURL(await response.blob());
  const download = `${(file.name ?? "photo").replace(/\.[^.]+$/, "")}.png`;
  Object.assign(document.createElement("a"), { href, download }).click();
  URL.revokeObjectURL(href);
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

function fillLegend(prediction: Prediction | null): void {
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

function summary({ classes, width, height, ms }: Prediction): string {
  const found = classes.map(({ name, share }) => `${name} ${percent(share)}`);
  return `${found.length > 0 ? found.join(", ") : "Only background"}. ${width}×${height} pixels in ${(ms / 1000).toFixed(1)} s.`;
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
document.addEventListener("paste", (event) => pick(event.clipboardData?.files));
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    stage.classList.toggle("over", type === "dragenter" || type === "dragover");
    if (type === "drop") pick((event as DragEvent).dataTransfer?.files);
  });
}
