/** The gallery: a grid of which only the visible rows exist, so that thousands of photos scroll like ten. */
import { byId, make, percent } from "./dom.js";
import type { ClassInfo } from "./panels.js";
import { markOf, type Reviewed } from "./review.js";

export interface ImageInfo {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly tags: readonly number[];
}

/** What lies over the photo: nothing, the activation map, or a version of the labels. */
export interface Column {
  readonly title: string;
  /** Of the labels; null: these are none. */
  readonly version: number | null;
  /** Null: no overlay. */
  readonly url: ((image: number) => string) | null;
}

export interface GalleryState {
  readonly base: string;
  readonly images: readonly ImageInfo[];
  /** Indices into `images`, in the order shown. */
  readonly shown: readonly number[];
  readonly column: Column;
  readonly opacity: number;
  readonly classes: readonly ClassInfo[];
  readonly disagreement: readonly (number | null)[];
  readonly reviewed: Reviewed;
}

const cellMin = 190;
const gap = 12;
const captionHeight = 30;
/** Rows drawn above and below the window. */
const spareRows = 2;

export class Gallery {
  private state: GalleryState | null = null;
  private readonly cells = new Map<number, HTMLButtonElement>();
  private readonly grid = byId("grid");

  constructor(private readonly onOpen: (position: number) => void) {
    for (const type of ["scroll", "resize"]) window.addEventListener(type, () => this.layout(), { passive: true });
    this.grid.addEventListener("keydown", (event) => this.move(event));
  }

  show(state: GalleryState): void {
    this.state = state;
    this.grid.replaceChildren();
    this.cells.clear();
    this.layout();
  }

  /** Without new pictures: only how strongly the masks cover. */
  fade(opacity: number): void {
    if (this.state) this.state = { ...this.state, opacity };
    for (const mask of this.grid.querySelectorAll<HTMLElement>(".mask")) mask.style.opacity = String(opacity);
  }

  focus(position: number): void {
    const { top, height } = this.place(position);
    const y = this.grid.getBoundingClientRect().top + window.scrollY + top;
    const isAbove = y < window.scrollY + 90;
    const isBelow = y + height > window.scrollY + window.innerHeight;
    if (isAbove || isBelow) window.scrollTo({ top: isAbove ? y - 90 : y + height - window.innerHeight + gap });
    this.layout();
    this.cells.get(position)?.focus({ preventScroll: true });
  }

  private get columns(): number {
    return Math.max(1, Math.floor((this.grid.clientWidth + gap) / (cellMin + gap)));
  }

  private place(position: number) {
    const width = (this.grid.clientWidth - gap * (this.columns - 1)) / this.columns;
    const height = width * 0.75 + captionHeight;
    const [row, column] = [Math.floor(position / this.columns), position % this.columns];
    return { left: column * (width + gap), top: row * (height + gap), width, height };
  }

  private layout(): void {
    if (this.state === null) return;
    const { shown } = this.state;
    const { height } = this.place(0);
    const step = height + gap;
    this.grid.style.height = `${Math.ceil(shown.length / this.columns) * step}px`;
    const above = -this.grid.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / step) - spareRows) * this.columns;
    const last = Math.min(shown.length, (Math.ceil((above + window.innerHeight) / step) + spareRows) * this.columns);
    for (const [position, cell] of this.cells) {
      if (position >= first && position < last) continue;
      cell.remove();
      this.cells.delete(position);
    }
    for (let position = first; position < last; position++) this.put(position);
  }

  private put(position: number): void {
    const cell = this.cells.get(position) ?? this.cellAt(position);
    const { left, top, width, height } = this.place(position);
    Object.assign(cell.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    if (this.cells.has(position)) return;
    this.cells.set(position, cell);
    this.grid.append(cell);
  }

  private cellAt(position: number): HTMLButtonElement {
    const { images, shown, base, column, opacity, classes, disagreement, reviewed } = this.state!;
    const index = shown[position]!;
    const image = images[index]!;
    const frame = make("div", { className: "frame" }, picture(`${base}/photo/${index}/thumb`, "photo"));
    frame.style.cssText = fitted(image.width / image.height);
    if (column.url) {
      const mask = picture(column.url(index), "mask");
      mask.style.opacity = String(opacity);
      frame.append(mask);
    }
    const tags = image.tags.map((tag) => classes[tag - 1]?.name ?? `class ${tag}`).join(", ") || "no tag";
    const changed = disagreement[index] ?? null;
    const caption = make("span", { className: "caption" }, make("span", { className: "path" }, `\u200e${image.path}`));
    caption.append(make("span", { className: "num" }, changed === null ? "" : percent(changed)));
    const cell = make("button", { type: "button", className: "cell", title: `${image.path}: ${tags}` });
    cell.append(make("span", { className: "picture" }, frame), caption);
    const mark = markOf(reviewed.photos[index]);
    if (mark) cell.append(markSign(mark));
    const said = [tags, column.title, ...(mark ? [mark.words] : [])].join(", ");
    cell.append(make("span", { className: "visually-hidden" }, `, ${said}`));
    cell.dataset.position = String(position);
    cell.addEventListener("click", () => this.onOpen(position));
    return cell;
  }

  private move(event: KeyboardEvent): void {
    const at = Number((event.target as HTMLElement).dataset.position ?? "-1");
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: this.columns,
      ArrowUp: -this.columns,
    };
    const next = at + (steps[event.key] ?? 0);
    if (at < 0 || next === at || next < 0 || next >= (this.state?.shown.length ?? 0)) return;
    event.preventDefault();
    this.focus(next);
  }
}

/** Said in words beside it. */
function markSign({ sign, words }: { readonly sign: string; readonly words: string }): HTMLElement {
  const element = make("span", { className: `mark ${words}`, title: words }, sign);
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** A map that is not there (yet) leaves the photo as it is. */
export function picture(src: string, className: string): HTMLImageElement {
  const image = make("img", { src, className, alt: "", decoding: "async", draggable: false });
  image.addEventListener("error", () => image.remove());
  return image;
}

/** Fills a 4:3 cell without cutting anything off. */
function fitted(aspect: number): string {
  return aspect >= 4 / 3 ? `width:100%;aspect-ratio:${aspect}` : `height:100%;aspect-ratio:${aspect}`;
}
