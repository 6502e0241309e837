/** What stands in the scene besides animals: grass, bushes, trees, rocks. Each can cover what was painted before it. */
import type { Rng } from "../../shared/rng.js";
import { type Canvas, mixRgb, paint, type Rgb, scaleRgb } from "./canvas.js";
import { type Land, nearness, sunlight } from "./land.js";
import { mix, type Noise } from "./noise.js";
import { drawSolid, type Sphere } from "./solid.js";

const noAxis = [0, 0, 0] as const;

/** Grass strokes over a band of ground rows, far to near. */
export function drawGrass(canvas: Canvas, land: Land, rng: Rng, fromY: number, toY: number): void {
  const top = Math.max(land.horizon + 1, fromY);
  const bottom = Math.min(canvas.height * 1.06, toY);
  if (bottom <= top) return;
  const count = Math.round((bottom - top) * canvas.width * land.grassDensity);
  for (let i = 0; i < count; i++) {
    const y = mix(top, bottom, (i + rng.next()) / count);
    const near = nearness(canvas, land, y);
    const length = (canvas.width / 320) * (2 + 9 * near) * rng.uniform(0.5, 1.2);
    drawBlade(canvas, land, rng, rng.uniform(0, canvas.width), y, length, 0.55);
  }
}

/** A clump of tall grass around (x, y). */
export function drawTallGrass(
  canvas: Canvas,
  land: Land,
  rng: Rng,
  x: number,
  y: number,
  wide: number,
  high: number,
): void {
  const blades = Math.round(wide * 1.3);
  for (let i = 0; i < blades; i++) {
    const offset = (rng.next() + rng.next() - 1) * wide * 0.6;
    drawBlade(canvas, land, rng, x + offset, y + rng.uniform(-1, 3), high * rng.uniform(0.45, 1), 0.9);
  }
}

function drawBlade(canvas: Canvas, land: Land, rng: Rng, x: number, y: number, length: number, alpha: number): void {
  const lean = rng.uniform(-0.45, 0.45);
  const color = scaleRgb(mixRgb(land.grass[0], land.grass[1], rng.next()), sunlight(land.light));
  for (let step = 0; step < length; step++) {
    const t = step / length;
    const px = Math.floor(x + lean * length * t * t);
    const py = Math.floor(y - step);
    if (px < 0 || py < 0 || px >= canvas.width || py >= canvas.height) continue;
    paint(canvas, py * canvas.width + px, scaleRgb(color, 0.75 + 0.4 * t), alpha * (1 - 0.4 * t));
  }
}

export function drawBush(canvas: Canvas, land: Land, rng: Rng, noise: Noise, x: number, y: number, size: number): void {
  const spheres: Sphere[] = [];
  for (let i = 0; i < 130; i++) {
    const angle = rng.uniform(0, Math.PI);
    const reach = Math.sqrt(rng.next()) * size;
    spheres.push(
      ball(
        x + Math.cos(angle) * reach * 1.15,
        y - Math.sin(angle) * reach * 0.85,
        rng.uniform(-1, 1) * size * 0.5,
        size * rng.uniform(0.05, 0.12),
        rng.uniform(0.7, 1.15),
      ),
    );
  }
  drawLeaves(canvas, land, noise, spheres, size / 8);
}

export function drawTree(canvas: Canvas, land: Land, rng: Rng, noise: Noise, x: number, y: number, high: number): void {
  const bark: Rgb = [0.36, 0.28, 0.2];
  const lean = rng.uniform(-0.15, 0.15) * high;
  const trunk = Array.from({ length: 40 }, (_, i) => {
    const t = i / 39;
    return ball(x + lean * t * t, y - high * 0.8 * t, 0, high * mix(0.045, 0.02, t), 1);
  });
  drawSolid(
    canvas,
    trunk,
    ({ x: px, y: py }) => scaleRgb(bark, 0.7 + 0.6 * noise.fractal(px / 2, py / 9, 2)),
    land.light,
    0,
    1,
  );
  const flat = rng.next() < 0.6;
  const [wide, thick] = flat ? [0.62, 0.12] : [0.4, 0.34];
  const crown = Array.from({ length: 170 }, () => {
    const angle = rng.uniform(0, 2 * Math.PI);
    const reach = Math.sqrt(rng.next());
    const px = x + lean + Math.cos(angle) * reach * wide * high;
    const py = y - high * 0.85 + Math.sin(angle) * reach * thick * high;
    return ball(px, py, rng.uniform(-1, 1) * high * 0.2, high * rng.uniform(0.022, 0.06), rng.uniform(0.7, 1.1));
  });
  drawLeaves(canvas, land, noise, crown, high / 16);
}

function drawLeaves(canvas: Canvas, land: Land, noise: Noise, spheres: readonly Sphere[], blend: number): void {
  const grain = canvas.width / 320;
  const leafAt = (x: number, y: number) => noise.fractal(x / grain / 3, y / grain / 3, 2);
  drawSolid(
    canvas,
    spheres,
    ({ x, y }) => scaleRgb(mixRgb(land.leaf[0], land.leaf[1], leafAt(x, y)), 0.6 + 0.9 * leafAt(y + 99, x)),
    land.light,
    0,
    blend,
  );
}

/** A boulder or termite mound in the colours of the ground and of horses: brown alone must not mean horse. */
export function drawRock(canvas: Canvas, land: Land, rng: Rng, noise: Noise, x: number, y: number, size: number): void {
  const browns: readonly Rgb[] = [
    [0.48, 0.31, 0.2],
    [0.4, 0.27, 0.18],
    [0.6, 0.47, 0.32],
    [0.45, 0.42, 0.38],
  ];
  const color = mixRgb(browns[rng.integer(browns.length)]!, land.ground[2], rng.uniform(0, 0.4));
  const tall = rng.next() < 0.35 ? 1.5 : 0.55;
  const spheres = Array.from({ length: 9 }, () => {
    const [across, up] = [rng.uniform(-1, 1), rng.next()];
    const width = tall > 1 ? 1 - 0.75 * up : 1 - 0.4 * up;
    return ball(
      x + across * size * 0.6 * width,
      y - up * size * tall * (1 - 0.4 * Math.abs(across)),
      rng.uniform(-0.3, 0.3) * size,
      size * rng.uniform(0.3, 0.5),
      1,
    );
  });
  const grain = canvas.width / 320;
  const rough = (px: number, py: number) => 0.65 + 0.7 * noise.fractal(px / grain / 6, py / grain / 6, 4);
  drawSolid(canvas, spheres, (hit) => scaleRgb(color, rough(hit.x, hit.y)), land.light, 0, size / 2);
}

function ball(x: number, y: number, z: number, r: number, tone: number): Sphere {
  return { x, y, z, r, part: "plant", along: 0, axis: noAxis, tone };
}
