/**
 * One polygon per component for formats that know no holes: a hole is joined to the outer ring by a bridge that is
 * walked in both directions, so that filling by either rule (even-odd, non-zero) leaves the hole open.
 */
import type { Component } from "./components.js";
import { type Ring, ringsOf, type Vertex } from "./contours.js";

export function polygonOf(object: Component, simplifyPixels: number): Ring {
  const rings = ringsOf(object).map((ring) => simplified(ring, simplifyPixels));
  const [outer, ...holes] = rings as [Ring, ...Ring[]];
  return holes.reduce(joined, outer);
}

function joined(outer: Ring, hole: Ring): Ring {
  const entry = hole[0]!;
  let nearest = 0;
  for (let i = 1; i < outer.length; i++) {
    if (distanceSquared(outer[i]!, entry) < distanceSquared(outer[nearest]!, entry)) nearest = i;
  }
  const before = outer.slice(0, nearest + 1);
  return [...before, ...hole, entry, outer[nearest]!, ...outer.slice(nearest + 1)];
}

/**
 * Ramer-Douglas-Peucker on a closed ring, cut at its first vertex and the one farthest from it. A ring that would lose
 * its area stays as it is.
 */
export function simplified(ring: Ring, tolerancePixels: number): Ring {
  if (tolerancePixels <= 0 || ring.length <= 4) return ring;
  let far = 0;
  for (let i = 1; i < ring.length; i++) {
    if (distanceSquared(ring[i]!, ring[0]!) > distanceSquared(ring[far]!, ring[0]!)) far = i;
  }
  const there = kept(ring.slice(0, far + 1), tolerancePixels);
  const back = kept([...ring.slice(far), ring[0]!], tolerancePixels);
  const result = [...there.slice(0, -1), ...back.slice(0, -1)];
  return result.length >= 3 ? result : ring;
}

/** Without recursion: a staircase border can be as long as the image has pixels. */
function kept(line: Ring, tolerancePixels: number): Vertex[] {
  const keep = new Uint8Array(line.length);
  keep[0] = keep[line.length - 1] = 1;
  const spans: [number, number][] = [[0, line.length - 1]];
  while (spans.length > 0) {
    const [first, last] = spans.pop()!;
    let [worst, worstDistance] = [0, tolerancePixels];
    for (let i = first + 1; i < last; i++) {
      const distance = distanceToLine(line[i]!, line[first]!, line[last]!);
      if (distance > worstDistance) [worst, worstDistance] = [i, distance];
    }
    if (worst === 0) continue;
    keep[worst] = 1;
    spans.push([first, worst], [worst, last]);
  }
  return line.filter((_, i) => keep[i] === 1);
}

function distanceToLine([x, y]: Vertex, [ax, ay]: Vertex, [bx, by]: Vertex): number {
  const length = Math.hypot(bx - ax, by - ay);
  if (length === 0) return Math.hypot(x - ax, y - ay);
  return Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length;
}

function distanceSquared([ax, ay]: Vertex, [bx, by]: Vertex): number {
  return (ax - bx) ** 2 + (ay - by) ** 2;
}
