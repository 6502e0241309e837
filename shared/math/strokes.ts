/** Brush strokes on a grid of pixels. Only + - * / on doubles, so that every machine draws the same. */

export interface Brush {
  /** Share of the photo's longer side. */
  readonly radius: number;
  /** Shares of the photo's width and height. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Thinner than a pixel's diagonal, a brush would slip between the centres. */
const cellsMin = 0.71;

/**
 * Calls `paint` for every cell whose centre the brush covers. `size`: side of the square grid onto which a photo of
 * `width` x `height` is stretched.
 */
export function drawStroke(
  { radius, points }: Brush,
  size: number,
  { width, height }: { readonly width: number; readonly height: number },
  paint: (cell: number) => void,
): void {
  const [cellWidth, cellHeight] = [width / size, height / size];
  const reach = Math.max(radius * Math.max(width, height), cellsMin * Math.max(cellWidth, cellHeight));
  for (let i = 0; i < points.length; i++) {
    const [ax, ay] = [points[Math.max(0, i - 1)]![0] * width, points[Math.max(0, i - 1)]![1] * height];
    const [bx, by] = [points[i]![0] * width, points[i]![1] * height];
    const first = {
      x: cellOf(Math.min(ax, bx) - reach, cellWidth, size),
      y: cellOf(Math.min(ay, by) - reach, cellHeight, size),
    };
    const last = {
      x: cellOf(Math.max(ax, bx) + reach, cellWidth, size),
      y: cellOf(Math.max(ay, by) + reach, cellHeight, size),
    };
    for (let y = first.y; y <= last.y; y++) {
      for (let x = first.x; x <= last.x; x++) {
        const [px, py] = [(x + 0.5) * cellWidth, (y + 0.5) * cellHeight];
        if (distanceSquared(px, py, ax, ay, bx, by) <= reach * reach) paint(y * size + x);
      }
    }
  }
}

function cellOf(position: number, cell: number, size: number): number {
  return Math.min(size - 1, Math.max(0, Math.floor(position / cell)));
}

/** Of a point from the line between a and b. */
function distanceSquared(px: number, py: number, ax: number, ay: number, bx: number, by: number): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const along = length === 0 ? 0 : Math.min(1, Math.max(0, ((px - ax) * dx + (py - ay) * dy) / length));
  const [ex, ey] = [px - ax - along * dx, py - ay - along * dy];
  return ex * ex + ey * ey;
}
