/** Connected components of a label map: what annotation formats call objects. Pixels connect by their sides. */
import { BACKGROUND, IGNORE } from "../../shared/data/manifest.js";

export interface Component {
  readonly classId: number;
  /** Pixels. */
  readonly area: number;
  /** Bounding box in the image, pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** 1 inside, [height, width] of the box. */
  readonly mask: Uint8Array;
}

/** Every component of every class, in the order of their first pixels (row by row). */
export function componentsOf(labels: Uint8Array, width: number, height: number, areaMin = 1): Component[] {
  const isSeen = new Uint8Array(width * height);
  const queue = new Int32Array(width * height);
  const components: Component[] = [];
  for (let start = 0; start < labels.length; start++) {
    const classId = labels[start]!;
    if (isSeen[start] || classId === BACKGROUND || classId === IGNORE) continue;
    const area = flood(labels, width, start, isSeen, queue);
    if (area >= areaMin) components.push(boxed(queue.subarray(0, area), width, classId));
  }
  return components;
}

/** Fills `queue` with the pixels that are connected to `start`; returns how many. */
function flood(labels: Uint8Array, width: number, start: number, isSeen: Uint8Array, queue: Int32Array): number {
  const classId = labels[start]!;
  let count = 0;
  const reach = (pixel: number) => {
    if (isSeen[pixel] || labels[pixel] !== classId) return;
    isSeen[pixel] = 1;
    queue[count++] = pixel;
  };
  reach(start);
  for (let next = 0; next < count; next++) {
    const pixel = queue[next]!;
    const column = pixel % width;
    if (column > 0) reach(pixel - 1);
    if (column < width - 1) reach(pixel + 1);
    if (pixel >= width) reach(pixel - width);
    if (pixel + width < labels.length) reach(pixel + width);
  }
  return count;
}

function boxed(pixels: Int32Array, imageWidth: number, classId: number): Component {
  let [left, top, right, bottom] = [imageWidth, Number.MAX_SAFE_INTEGER, 0, 0];
  for (const pixel of pixels) {
    const x = pixel % imageWidth;
    const y = (pixel - x) / imageWidth;
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  const [width, height] = [right - left + 1, bottom - top + 1];
  const mask = new Uint8Array(width * height);
  for (const pixel of pixels) {
    const x = pixel % imageWidth;
    mask[((pixel - x) / imageWidth - top) * width + x - left] = 1;
  }
  return { classId, area: pixels.length, x: left, y: top, width, height, mask };
}
