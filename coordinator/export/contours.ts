/**
 * The border of a component as rings along pixel sides: pixel (x, y) covers [x, x+1] x [y, y+1], so filling the rings
 * gives the mask back, pixel by pixel. The outer ring runs clockwise (as one sees it), holes counter-clockwise.
 */
import type { Component } from "./components.js";

export type Vertex = readonly [x: number, y: number];
export type Ring = readonly Vertex[];

/** East, south, west, north: turning right is +1. */
const steps: readonly Vertex[] = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
];

/** The outer ring first. In image pixels. */
export function ringsOf(object: Component): Ring[] {
  const columns = object.width + 1;
  const sides = sidesOf(object);
  const rings: Ring[] = [];
  for (let corner = 0; corner < sides.length; corner++) {
    if (sides[corner] !== 0) rings.push(trace(sides, columns, corner, object));
  }
  // The topmost, leftmost corner lies on the outer ring, and is met first.
  return rings;
}

/** Bit d of a corner: a side leaves it in direction d, with the object on its right. */
function sidesOf({ mask, width, height }: Component): Uint8Array {
  const columns = width + 1;
  const sides = new Uint8Array(columns * (height + 1));
  const inside = (x: number, y: number) => x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x] === 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (!inside(x, y)) continue;
      const corner = y * columns + x;
      if (!inside(x, y - 1)) sides[corner]! |= 1;
      if (!inside(x + 1, y)) sides[corner + 1]! |= 2;
      if (!inside(x, y + 1)) sides[corner + columns + 1]! |= 4;
      if (!inside(x - 1, y)) sides[corner + columns]! |= 8;
    }
  }
  return sides;
}

/** Follows sides from `start` until it is back, and takes them out; where two leave a corner, it keeps to its pixel. */
function trace(sides: Uint8Array, columns: number, start: number, { x, y }: Component): Ring {
  const ring: Vertex[] = [];
  // Only one side leaves the first corner of a ring: a pixel across it would have been met before.
  const first = Math.log2(sides[start]!);
  let [corner, direction] = [start, first];
  do {
    sides[corner]! &= ~(1 << direction);
    const [dx, dy] = steps[direction]!;
    corner += dy * columns + dx;
    const next = corner === start ? first : turn(sides[corner]!, direction);
    if (next !== direction) ring.push([x + (corner % columns), y + Math.floor(corner / columns)]);
    direction = next;
  } while (corner !== start);
  return ring;
}

/** Right, straight on, left: the first that is there. */
function turn(bits: number, direction: number): number {
  for (const by of [1, 0, 3]) {
    const next = (direction + by) % 4;
    if (bits & (1 << next)) return next;
  }
  return direction;
}
