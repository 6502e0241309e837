/** Painting on the large photo: strokes under the pointer, drawn as they will be saved. */
import { byId } from "./dom.js";
import type { ClassInfo } from "./panels.js";
import type { Stroke } from "./review.js";

/** Points closer than this, of the photo's longer side, are one. */
const stepMin = 0.004;
/** A stroke is cut in two rather than grow beyond what the server takes. */
const pointsMax = 1500;

/** Null: the pointer moves the photo. */
export type Tool = { readonly paints: string | null } | null;

export class Brush {
  private readonly canvas = document.createElement("canvas");
  private readonly ring = byId("brush-ring");
  private strokes: readonly Stroke[] = [];
  private current: { class: string | null; radius: number; points: [number, number][] } | null = null;
  private size = { width: 1, height: 1 };
  tool: Tool = null;
  /** Share of the photo's longer side. */
  radius = 0.03;

  constructor(
    private readonly classes: () => readonly ClassInfo[],
    private readonly onStroke: (stroke: Stroke) => void,
  ) {
    this.canvas.className = "strokes";
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const type of ["pointerup", "pointercancel"]) this.canvas.addEventListener(type, () => this.end());
    this.canvas.addEventListener("pointerleave", () => {
      this.ring.hidden = true;
    });
  }

  /** Onto a photo of this size, in its frame. */
  attach(frame: HTMLElement, size: { readonly width: number; readonly height: number }, strokes: readonly Stroke[]) {
    // Sharp on the screen, however small or large the photo is.
    const longer = Math.max(size.width, size.height);
    const scale = Math.min(1600, Math.max(1000, longer)) / longer;
    this.size = size;
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
    if (tool === null) this.ring.hidden = true;
  }

  private begin(event: PointerEvent): void {
    if (this.tool === null || event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { class: this.tool.paints, radius: this.radius, points: [this.at(event)] };
    this.draw();
  }

  private move(event: PointerEvent): void {
    this.showRing(event);
    if (this.current === null) return;
    const [x, y] = this.at(event);
    const [lastX, lastY] = this.current.points.at(-1)!;
    const longer = Math.max(this.size.width, this.size.height);
    const moved = Math.hypot((x - lastX) * this.size.width, (y - lastY) * this.size.height) / longer;
    if (moved < stepMin) return;
    this.current.points.push([x, y]);
    if (this.current.points.length < pointsMax) this.draw();
    else this.end();
  }

  private end(): void {
    const stroke = this.current;
    this.current = null;
    if (stroke) this.onStroke(stroke);
  }

  /** Shares of the photo's sides, to a thousandth of a pixel's worth: the file stays short. */
  private at(event: PointerEvent): [number, number] {
    const box = this.canvas.getBoundingClientRect();
    const share = (value: number) => Math.min(1, Math.max(0, Math.round(value * 1e5) / 1e5));
    return [share((event.clientX - box.left) / box.width), share((event.clientY - box.top) / box.height)];
  }

  private showRing({ clientX, clientY }: PointerEvent): void {
    if (this.tool === null) return;
    const box = this.canvas.getBoundingClientRect();
    const diameter = 2 * this.radius * Math.max(box.width, box.height);
    this.ring.hidden = false;
    Object.assign(this.ring.style, {
      left: `${clientX}px`,
      top: `${clientY}px`,
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
