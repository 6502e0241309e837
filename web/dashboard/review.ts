/** Review of one photo: a verdict on its mask, its tags, strokes. Saved at once; the next round takes what is there. */
import { Brush, type Tool } from "./brush.js";
import { byId, make, sendJson } from "./dom.js";
import type { ImageInfo } from "./gallery.js";
import type { ClassInfo } from "./panels.js";

export interface Stroke {
  readonly class: string | null;
  readonly radius: number;
  readonly points: readonly (readonly [number, number])[];
}

/** As in the run's corrections.json. */
export interface Correction {
  readonly verdict: "good" | "bad" | null;
  readonly version: number | null;
  readonly tags: readonly string[] | null;
  readonly strokes: readonly Stroke[];
}

export interface Reviewed {
  readonly photos: Readonly<Record<number, Correction>>;
  readonly nextRound: number;
}

export interface ReviewedPhoto {
  readonly base: string;
  readonly index: number;
  readonly image: ImageInfo;
  readonly classes: readonly ClassInfo[];
}

const untouched: Correction = { verdict: null, version: null, tags: null, strokes: [] };

export class Review {
  private photo: ReviewedPhoto | null = null;
  private reviewed: Reviewed = { photos: {}, nextRound: 1 };
  /** Saved one after the other, so that the last word is the last. */
  private saving: Promise<unknown> = Promise.resolve();
  /** Changes on their way: until they have arrived, what the server says is older than what is here. */
  private unsaved = 0;
  /** Of the labels on the screen; null: the photo or its CAM is shown. */
  private shownVersion: number | null = null;
  private readonly brush: Brush;

  /** `onChange`: corrections have changed, for the gallery's marks. */
  constructor(private readonly onChange: (reviewed: Reviewed) => void) {
    this.brush = new Brush(
      () => this.photo?.classes ?? [],
      (stroke) => this.change({ strokes: [...this.correction.strokes, stroke] }),
    );
    byId("good").addEventListener("click", () => this.judge("good"));
    byId("bad").addEventListener("click", () => this.judge("bad"));
    byId("undo").addEventListener("click", () => this.change({ strokes: this.correction.strokes.slice(0, -1) }));
    byId("forget").addEventListener("click", () => this.change(untouched));
    const size = byId<HTMLInputElement>("brush-size");
    size.addEventListener("input", () => {
      this.brush.radius = Number(size.value) / 1000;
      byId("brush-size-name").textContent = `${(Number(size.value) / 5).toFixed(0)} %`;
    });
  }

  /** What the server says; returns what counts. */
  set(reviewed: Reviewed): Reviewed {
    if (this.unsaved > 0) return this.reviewed;
    this.reviewed = reviewed;
    if (this.photo) this.draw();
    return reviewed;
  }

  open(photo: ReviewedPhoto, frame: HTMLElement): void {
    this.photo = photo;
    this.brush.attach(frame, photo.image, this.correction.strokes);
    this.fillTools(photo.classes);
    this.draw();
  }

  /** Which labels a verdict is about. */
  showing(version: number | null): void {
    this.shownVersion = version;
    if (this.photo) this.draw();
  }

  /** True: the key meant something here. */
  key(key: string): boolean {
    const buttons: Record<string, string> = { g: "good", b: "bad", u: "undo" };
    const button = buttons[key] ? byId<HTMLButtonElement>(buttons[key]) : null;
    if (!button || button.disabled) return false;
    button.click();
    return true;
  }

  private get correction(): Correction {
    return (this.photo && this.reviewed.photos[this.photo.index]) ?? untouched;
  }

  private judge(verdict: "good" | "bad"): void {
    const { verdict: before, version } = this.correction;
    const isUndone = before === verdict && version === this.shownVersion;
    this.change(isUndone ? { verdict: null, version: null } : { verdict, version: this.shownVersion });
  }

  private retag(name: string, isOn: boolean): void {
    const { image, classes } = this.photo!;
    const own = image.tags.map((tag) => classes[tag - 1]!.name);
    const before = this.correction.tags ?? own;
    const tags = classes.map((one) => one.name).filter((one) => (one === name ? isOn : before.includes(one)));
    const isOwn = tags.length === own.length && tags.every((tag) => own.includes(tag));
    this.change({ tags: isOwn ? null : tags });
  }

  private change(change: Partial<Correction>): void {
    const { base, index } = this.photo!;
    const next = { ...this.correction, ...change };
    this.reviewed = { ...this.reviewed, photos: { ...this.reviewed.photos, [index]: next } };
    this.draw();
    this.say("Saving…");
    this.unsaved++;
    this.saving = this.saving
      .then(() => sendJson<Reviewed>(`${base}/corrections/${index}`, next))
      .then(
        (answer) => {
          this.unsaved--;
          // Later changes are not in it yet.
          if (this.unsaved > 0) return;
          this.reviewed = answer;
          this.say(`Saved. Round ${answer.nextRound} takes it.`);
          this.onChange(answer);
        },
        (error: Error) => {
          this.unsaved--;
          this.say(`Not saved: ${error.message}`);
        },
      );
  }

  private say(text: string): void {
    byId("saved").textContent = text;
  }

  private fillTools(classes: readonly ClassInfo[]): void {
    const tools: readonly { readonly name: string; readonly tool: Tool; readonly color: string | null }[] = [
      { name: "Look", tool: null, color: null },
      ...classes.map(({ name, color }) => ({ name, tool: { paints: name }, color: `rgb(${color.join(" ")})` })),
      { name: "Erase", tool: { paints: null }, color: "#22262b" },
    ];
    const chosen = this.brush.tool;
    const isChosen = (tool: Tool) => (tool === null ? chosen === null : chosen?.paints === tool.paints);
    byId("tools").replaceChildren(
      ...tools.map(({ name, tool, color }) => {
        const radio = make("input", { type: "radio", name: "tool", checked: isChosen(tool) });
        radio.addEventListener("change", () => {
          this.brush.setTool(tool);
          byId("brush").hidden = tool === null;
        });
        return make("label", {}, radio, color === null ? null : swatch(color), name);
      }),
    );
    byId("brush").hidden = chosen === null;
  }

  private draw(): void {
    const { image, classes } = this.photo!;
    const { verdict, version, tags, strokes } = this.correction;
    const isJudged = verdict !== null && version === this.shownVersion;
    for (const name of ["good", "bad"] as const) {
      const button = byId<HTMLButtonElement>(name);
      button.disabled = this.shownVersion === null;
      button.setAttribute("aria-pressed", String(isJudged && verdict === name));
    }
    byId("judged").textContent = verdictText(verdict, version, this.shownVersion);
    const has = (id: number, name: string) => (tags ? tags.includes(name) : image.tags.includes(id));
    byId("tags").replaceChildren(
      ...classes.map(({ id, name, color }) => {
        const box = make("input", { type: "checkbox", checked: has(id, name) });
        box.addEventListener("change", () => this.retag(name, box.checked));
        return make("label", {}, box, swatch(`rgb(${color.join(" ")})`), name);
      }),
    );
    byId<HTMLButtonElement>("undo").disabled = strokes.length === 0;
    byId<HTMLButtonElement>("forget").disabled = verdict === null && tags === null && strokes.length === 0;
    byId("stroke-count").textContent =
      strokes.length === 0 ? "" : `${strokes.length} stroke${strokes.length > 1 ? "s" : ""}`;
    this.brush.show(strokes);
  }
}

function verdictText(verdict: Correction["verdict"], version: number | null, shown: number | null): string {
  if (shown === null) return "Show a mask to judge it.";
  const of = version === 0 ? "the seeds" : `round ${version}`;
  if (verdict === "good") return `The mask of ${of} stays as it is.`;
  if (verdict === "bad") return `The mask of ${of} teaches nothing.`;
  return "";
}

function swatch(color: string): HTMLElement {
  const mark = make("i", { className: "swatch" });
  mark.style.background = color;
  return mark;
}

/** In one word, for the gallery. */
export function markOf(correction: Correction | undefined): { readonly sign: string; readonly words: string } | null {
  if (!correction) return null;
  if (correction.verdict === "good") return { sign: "✓", words: "good" };
  if (correction.verdict === "bad") return { sign: "✗", words: "bad" };
  return correction.tags || correction.strokes.length > 0 ? { sign: "✎", words: "corrected" } : null;
}
