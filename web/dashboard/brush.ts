/** Painting on the large photo, by pointer or keys: strokes drawn as they will be saved. */
import { byId } from "./dom.js";
import type { ClassInfo } from "./panels.js";
import type { Stroke } from "./review.js";

/** Points closer than this, of the photo's longer side, are one. */
const stepMin = 0.004;
/** A stroke is cut in two rather than grow beyond what the server takes. */
const pointsMax = 1500;

const help =
  "Brush: arrow keys move it, with Shift in small steps; Space begins and ends a stroke; Escape throws the stroke away";
const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

type Point = readonly [x: number, y: number];

/** Null: the pointer moves the photo. */
export type Tool = { readonly paints: string | null } | null;

export class Brush {
  private readonly canvas = document.createElement("canvas");
  private readonly ring = byId("brush-ring");
  private strokes: readonly Stroke[] = [];
  private current: { class: string | null; radius: number; points: Point[] } | null = null;
  private size = { width: 1, height: 1 };
  /** Where keys paint: where the pointer was last, or the middle. */
  private place: Point = [0.5, 0.5];
  tool: Tool = null;
  /** Share of the photo's longer side. */
  radius = 0.03;

  constructor(
    private readonly classes: () => readonly ClassInfo[],
    private readonly onStroke: (stroke: Stroke) => void,
  ) {
    this.canvas.className = "strokes";
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", help);
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.moveTo(this.at(event)));
    for (const type of ["pointerup", "pointercancel"]) this.canvas.addEventListener(type, () => this.end());
    this.canvas.addEventListener("pointerleave", () => {
      this.ring.hidden = true;
    });
    // Who paints with the mouse keeps the arrow keys for the photos.
    this.canvas.addEventListener("mousedown", (event) => event.preventDefault());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("focus", () => this.showRing());
    this.canvas.addEventListener("blur", () => {
      this.end();
      this.ring.hidden = true;
    });
  }

  /** Onto a photo of this size, in its frame. */
  attach(frame: HTMLElement, size: { readonly width: number; readonly height: number }, strokes: readonly Stroke[]) {
    // Sharp on the screen, however small or large the photo is.
    const longer = Math.max(size.width, size.height);
    const scale = Math.min(1600, Math.max(1000, longer)) / longer;
    this.size = size;
    this.place = [0.5, 0.5];
    this.canvas.width = Math.max(1, Math.round(size.width * scale));
    this.canvas.height = Math.max(1, Math.round(size.height * scale));
    frame.append(this.canvas);
    this.show(strokes);
  }

  show(strokes: readonly Stroke[]): void {
    this.strokes = strokes;
    this.draw();
  }

  setTool(tool: Tool): void {
    this.tool = tool;
    this.canvas.classList.toggle("active", tool !== null);
    this.canvas.tabIndex = tool === null ? -1 : 0;
    if (tool === null) this.ring.hidden = true;
  }

  private press(event: PointerEvent): void {
    if (this.tool === null || event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.begin(this.at(event));
  }

  private begin(point: Point): void {
    if (this.tool === null) return;
    this.place = point;
    this.current = { class: this.tool.paints, radius: this.radius, points: [point] };
    this.draw();
  }

  private moveTo(point: Point): void {
    this.place = point;
    this.showRing();
    if (this.current === null) return;
    const [x, y] = point;
    const [lastX, lastY] = this.current.points.at(-1)!;
    const longer = Math.max(this.size.width, this.size.height);
    const moved = Math.hypot((x - lastX) * this.size.width, (y - lastY) * this.size.height) / longer;
    if (moved < stepMin) return;
    this.current.points.push(point);
    if (this.current.points.length < pointsMax) this.draw();
    else this.end();
  }

  /** Keys that mean something to the brush do not reach the viewer, whose arrows change the photo. */
  private key(event: KeyboardEvent): void {
    if (this.tool === null || event.ctrlKey || event.metaKey) return;
    const direction = directions[event.key];
    if (direction) this.moveTo(this.beside(direction, event.shiftKey));
    else if (event.key === " ") this.current ? this.end() : this.begin(this.place);
    else if (event.key === "Escape" && this.current) this.drop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private drop(): void {
    this.current = null;
    this.draw();
  }

  /** Half a brush further, so that strokes are closed; a tenth for what is fine. */
  private beside([right, down]: readonly [number, number], isFine: boolean): Point {
    const { width, height } = this.size;
    const step = Math.max(stepMin, this.radius * (isFine ? 0.2 : 1)) * Math.max(width, height);
    const [x, y] = this.place;
    return [shareOf(x + (right * step) / width), shareOf(y + (down * step) / height)];
  }

  private end(): void {
    const stroke = this.current;
    this.current = null;
    if (stroke) this.onStroke(stroke);
  }

  private at(event: PointerEvent): Point {
    const box = this.canvas.getBoundingClientRect();
    return [shareOf((event.clientX - box.left) / box.width), shareOf((event.clientY - box.top) / box.height)];
  }

  private showRing(): void {
    if (this.tool === null) return;
    const box = this.canvas.getBoundingClientRect();
    const diameter = 2 * this.radius * Math.max(box.width, box.height);
    const [x, y] = this.place;
    this.ring.hidden = false;
    Object.assign(this.ring.style, {
      left: `${box.left + x * box.width}px`,
      top: `${box.top + y * box.height}px`,
      width: `${diameter}px`,
      height: `${diameter}px`,
    });
  }

  private draw(): void {
    const { width, height } = this.canvas;
    const context = this.canvas.getContext("2d")!;
    context.clearRect(0, 0, width, height);
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.current ? [...this.strokes, this.current] : this.strokes) {
      const path = new Path2D();
      const points = stroke.points.map(([x, y]) => [x * width, y * height] as const);
      path.moveTo(...points[0]!);
      for (const point of points) path.lineTo(...point);
      const thick = 2 * stroke.radius * Math.max(width, height);
      this.line(context, path, thick + 3, "#fff");
      this.line(context, path, thick, this.colorOf(stroke.class));
      // Erased: a dark line with a light heart, whatever lies below.
      if (stroke.class === null) this.line(context, path, Math.max(1.5, thick / 8), "#fff");
    }
  }

  private line(context: CanvasRenderingContext2D, path: Path2D, width: number, style: string): void {
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke(path);
  }

  private colorOf(name: string | null): string {
    const found = this.classes().find((one) => one.name === name);
    return found ? `rgb(${found.color.join(" ")})` : "#22262b";
  }
}

/** Of the photo's side, to a thousandth of a pixel's worth: the file stays short. */
function shareOf(value: number): number {
  return Math.min(1, Math.max(0, Math.round(value * 1e5) / 1e5));
}
