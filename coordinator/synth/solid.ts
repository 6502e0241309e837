/**
 * Rasterises bodies made of spheres, seen from afar (orthographic): the nearest sphere owns the pixel, and the normals of
 * spheres that are almost as near are blended in, so that a chain of spheres reads as one smooth, shaded limb.
 */
import { type Canvas, paint, type Rgb } from "./canvas.js";

/** Screen coordinates in samples: x right, y down, z towards the viewer. */
export interface Sphere {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly r: number;
  /** What it is part of, as the painter of the body knows it. */
  readonly part: string;
  /** Position along the body part, and the part's direction on screen: the coordinate that stripes follow. */
  readonly along: number;
  readonly axis: readonly [x: number, y: number, z: number];
  /** Brightness of its place, 1 in the open; below 1 where the body shades itself. */
  readonly tone: number;
}

/** One lit point of a surface. */
export interface Hit {
  sphere: Sphere;
  /** Position along the part at this point, in samples. */
  along: number;
  x: number;
  y: number;
  /** Unit normal, y down. */
  nx: number;
  ny: number;
  nz: number;
}

export type Albedo = (hit: Hit) => Rgb;

export interface Light {
  /** Unit vector towards the sun, y down. */
  readonly towards: readonly [x: number, y: number, z: number];
  readonly sun: Rgb;
  readonly sky: Rgb;
}

interface Buffers {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly depth: Float32Array;
  readonly owner: Int32Array;
  /** Blended normal, 3 per sample. */
  readonly normal: Float32Array;
}

/** @returns the number of samples covered. */
export function drawSolid(
  canvas: Canvas,
  spheres: readonly Sphere[],
  albedo: Albedo,
  light: Light,
  label: number,
  blendDepth: number,
): number {
  const buffers = makeBuffers(canvas, spheres);
  for (const [index, sphere] of spheres.entries()) markNearest(buffers, sphere, index);
  for (const sphere of spheres) blendNormals(buffers, sphere, blendDepth);
  return shade(canvas, buffers, spheres, albedo, light, label);
}

function makeBuffers(canvas: Canvas, spheres: readonly Sphere[]): Buffers {
  let [left, top, right, bottom] = [canvas.width, canvas.height, 0, 0];
  for (const { x, y, r } of spheres) {
    left = Math.min(left, Math.floor(x - r));
    top = Math.min(top, Math.floor(y - r));
    right = Math.max(right, Math.ceil(x + r));
    bottom = Math.max(bottom, Math.ceil(y + r));
  }
  left = Math.max(left, 0);
  top = Math.max(top, 0);
  const width = Math.max(0, Math.min(right, canvas.width) - left);
  const height = Math.max(0, Math.min(bottom, canvas.height) - top);
  const count = width * height;
  const depth = new Float32Array(count).fill(Number.NEGATIVE_INFINITY);
  return {
    left,
    top,
    width,
    height,
    depth,
    owner: new Int32Array(count).fill(-1),
    normal: new Float32Array(count * 3),
  };
}

/** Calls back for every sample inside the sphere's disc, with the offset from its centre and the height above it. */
function eachSample(b: Buffers, s: Sphere, visit: (at: number, dx: number, dy: number, rise: number) => void): void {
  const y0 = Math.max(b.top, Math.ceil(s.y - s.r - 0.5));
  const y1 = Math.min(b.top + b.height - 1, Math.floor(s.y + s.r - 0.5));
  const x0 = Math.max(b.left, Math.ceil(s.x - s.r - 0.5));
  const x1 = Math.min(b.left + b.width - 1, Math.floor(s.x + s.r - 0.5));
  for (let y = y0; y <= y1; y++) {
    const dy = y + 0.5 - s.y;
    for (let x = x0; x <= x1; x++) {
      const dx = x + 0.5 - s.x;
      const rise2 = s.r * s.r - dx * dx - dy * dy;
      if (rise2 > 0) visit((y - b.top) * b.width + x - b.left, dx, dy, Math.sqrt(rise2));
    }
  }
}

function markNearest(b: Buffers, sphere: Sphere, index: number): void {
  eachSample(b, sphere, (at, _dx, _dy, rise) => {
    if (sphere.z + rise <= b.depth[at]!) return;
    b.depth[at] = sphere.z + rise;
    b.owner[at] = index;
  });
}

function blendNormals(b: Buffers, sphere: Sphere, blendDepth: number): void {
  eachSample(b, sphere, (at, dx, dy, rise) => {
    const nearness = 1 - (b.depth[at]! - sphere.z - rise) / blendDepth;
    if (nearness <= 0) return;
    const weight = (nearness * nearness) / sphere.r;
    b.normal[at * 3]! += weight * dx;
    b.normal[at * 3 + 1]! += weight * dy;
    b.normal[at * 3 + 2]! += weight * rise;
  });
}

function shade(
  canvas: Canvas,
  b: Buffers,
  spheres: readonly Sphere[],
  albedo: Albedo,
  light: Light,
  label: number,
): number {
  let covered = 0;
  for (let at = 0; at < b.owner.length; at++) {
    if (b.owner[at]! < 0) continue;
    covered++;
    const hit = hitAt(b, spheres[b.owner[at]!]!, at);
    paint(canvas, hit.y * canvas.width + hit.x, lit(albedo(hit), hit, light), 1, label);
  }
  return covered;
}

function hitAt(b: Buffers, sphere: Sphere, at: number): Hit {
  const x = b.left + (at % b.width);
  const y = b.top + Math.floor(at / b.width);
  const nx = b.normal[at * 3]!;
  const ny = b.normal[at * 3 + 1]!;
  const nz = b.normal[at * 3 + 2]!;
  const norm = Math.sqrt(nx * nx + ny * ny + nz * nz) || 1;
  const { axis } = sphere;
  const rise = b.depth[at]! - sphere.z;
  const along = sphere.along + (x + 0.5 - sphere.x) * axis[0] + (y + 0.5 - sphere.y) * axis[1] + rise * axis[2];
  return { sphere, along, x, y, nx: nx / norm, ny: ny / norm, nz: nz / norm };
}

/** Sun on the side that faces it, sky from above, and a little light back from the ground. */
function lit(color: Rgb, { nx, ny, nz, sphere }: Hit, light: Light): Rgb {
  const { towards, sun, sky } = light;
  const direct = Math.max(0, nx * towards[0] + ny * towards[1] + nz * towards[2]);
  const diffuse = 0.7 - 0.3 * ny;
  return [
    color[0] * sphere.tone * (sun[0] * direct + sky[0] * diffuse),
    color[1] * sphere.tone * (sun[1] * direct + sky[1] * diffuse),
    color[2] * sphere.tone * (sun[2] * direct + sky[2] * diffuse),
  ];
}
