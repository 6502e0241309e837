/**
 * One polygon per component for formats that know no holes: a hole is joined to the outer ring by a bridge that is
 * walked in both directions, so that filling by either rule (even-odd, non-zero) leaves the hole open.
 */
import type { Component } from "./components.js";
import { type Ring, ringsOf, type Vertex } from "./contours.js";

/** Comparisons of corners for one component's bridges: a mask of noise gets longer bridges instead of taking hours. */
const comparisonsMax = 20_000_000;

export function polygonOf(object: Component, simplifyPixels: number): Ring {
  const [outer, ...holes] = ringsOf(object).map((ring) => simplified(ring, simplifyPixels)) as [Ring, ...Ring[]];
  const stride = Math.ceil((outer.length * holes.length) / comparisonsMax);
  const detours = new Map<number, Vertex[]>();
  for (const hole of holes) {
    const corner = nearest(outer, hole[0]!, stride);
    const detour = detours.get(corner) ?? [];
    for (const vertex of hole) detour.push(vertex);
    detour.push(hole[0]!, outer[corner]!);
    detours.set(corner, detour);
  }
  return outer.flatMap((vertex, corner) => [vertex, ...(detours.get(corner) ?? [])]);
}

function nearest(ring: Ring, to: Vertex, stride: number): number {
  let best = 0;
  for (let i = 0; i < ring.length; i += stride) {
    if (distanceSquared(ring[i]!, to) < distanceSquared(ring[best]!, to)) best = i;
  }
  return best;
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
