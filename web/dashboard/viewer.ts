/** One photo, large: its masks round by round, zoom by keys, buttons or wheel; beside it the review. */
import { byId, make, percent } from "./dom.js";
import { type Column, type GalleryState, picture } from "./gallery.js";
import type { Review } from "./review.js";

const zoomMax = 12;

export class Viewer {
  private readonly dialog = byId<HTMLDialogElement>("viewer");
  private readonly stage = byId("viewer-stage");
  private readonly slider = byId<HTMLInputElement>("viewer-column");
  private readonly opacity = byId<HTMLInputElement>("viewer-opacity");
  private state: GalleryState | null = null;
  private columns: readonly Column[] = [];
  private position = 0;
  private zoom = 1;

  /** `onClosed`: with the photo shown last, so that the keyboard goes on from there. */
  constructor(
    private readonly review: Review,
    onClosed: (position: number) => void,
  ) {
    this.stage.tabIndex = 0;
    this.slider.addEventListener("input", () => this.drawMask());
    this.opacity.addEventListener("input", () => this.drawMask());
    byId("zoom-in").addEventListener("click", () => this.zoomBy(1.5));
    byId("zoom-out").addEventListener("click", () => this.zoomBy(1 / 1.5));
    byId("previous").addEventListener("click", () => this.go(-1));
    byId("next").addEventListener("click", () => this.go(1));
    byId("close").addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => onClosed(this.position));
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    window.addEventListener("resize", () => this.resize());
  }

  open(state: GalleryState, columns: readonly Column[], position: number): void {
    this.state = state;
    this.columns = columns;
    this.slider.max = String(columns.length - 1);
    this.slider.value = String(columns.indexOf(state.column));
    this.opacity.value = String(Math.round(state.opacity * 100));
    this.dialog.showModal();
    this.show(position);
    this.stage.focus();
  }

  private show(position: number): void {
    const { shown, images, base, classes, disagreement, column } = this.state!;
    this.position = position;
    this.zoom = 1;
    const index = shown[position]!;
    const { path, width, height, tags } = images[index]!;
    const names = tags.map((tag) => classes[tag - 1]?.name ?? `class ${tag}`).join(", ") || "no tag";
    const changed = disagreement[index] ?? null;
    byId("viewer-name").textContent = path;
    const change = changed === null ? "" : `; ${percent(changed)} changed up to ${column.title}`;
    byId("viewer-facts").textContent = `${names}; ${width}×${height}${change} (${position + 1} of ${shown.length})`;
    // The thumbnail is there at once; the large photo covers it when it has come.
    const frame = make("div", { className: "frame" }, picture(`${base}/photo/${index}/thumb`, "photo"));
    frame.append(picture(`${base}/photo/${index}/full`, "photo"));
    this.stage.replaceChildren(frame);
    this.review.open({ base, index, image: images[index]!, classes }, frame);
    this.resize();
    this.drawMask();
  }

  private drawMask(): void {
    const frame = this.stage.firstElementChild;
    const column = this.columns[Number(this.slider.value)];
    if (!frame || !column) return;
    byId("viewer-column-name").textContent = column.title;
    this.review.showing(column.version);
    const opacity = String(Number(this.opacity.value) / 100);
    const src = column.url?.(this.state!.shown[this.position]!) ?? null;
    const old = frame.querySelector<HTMLImageElement>(".mask");
    if (old && src !== null && old.getAttribute("src") === src) {
      old.style.opacity = opacity;
      return;
    }
    old?.remove();
    if (src === null) return;
    const mask = picture(src, "mask");
    mask.style.opacity = opacity;
    frame.querySelector(".strokes")!.before(mask);
  }

  private resize(): void {
    const frame = this.stage.firstElementChild as HTMLElement | null;
    if (!frame || !this.state) return;
    const { width, height } = this.state.images[this.state.shown[this.position]!]!;
    const fit = Math.min((this.stage.clientWidth - 24) / width, (this.stage.clientHeight - 24) / height);
    frame.style.width = `${width * fit * this.zoom}px`;
    frame.style.height = `${height * fit * this.zoom}px`;
  }

  private zoomBy(factor: number): void {
    const before = this.zoom;
    this.zoom = Math.min(zoomMax, Math.max(1, this.zoom * factor));
    const grown = this.zoom / before;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.stage;
    this.resize();
    // What was in the middle stays there.
    this.stage.scrollLeft = (scrollLeft + clientWidth / 2) * grown - clientWidth / 2;
    this.stage.scrollTop = (scrollTop + clientHeight / 2) * grown - clientHeight / 2;
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    this.zoomBy(event.deltaY < 0 ? 1.2 : 1 / 1.2);
  }

  private go(by: number): void {
    const next = this.position + by;
    if (this.state && next >= 0 && next < this.state.shown.length) this.show(next);
  }

  private key(event: KeyboardEvent): void {
    // A slider has its own use for the arrows, and so have choices.
    if (event.target instanceof HTMLInputElement) return;
    if (!event.ctrlKey && !event.metaKey && this.review.key(event.key)) return;
    const turn = (by: number) => {
      this.slider.value = String(Number(this.slider.value) + by);
      this.drawMask();
    };
    const keys: Record<string, () => void> = {
      ArrowLeft: () => this.go(-1),
      ArrowRight: () => this.go(1),
      ArrowUp: () => turn(1),
      ArrowDown: () => turn(-1),
      "+": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
