/** The empty scene: sky with clouds, hills, and ground of grass, dry grass, sand or earth in perspective. */
import type { Rng } from "../../shared/rng.js";
import { type Canvas, mixRgb, paint, type Rgb, scaleRgb } from "./canvas.js";
import { mix, type Noise, smoothStep } from "./noise.js";
import { type Palette, savanna } from "./palettes.js";
import type { Light } from "./solid.js";

export interface Land {
  /** Row of the horizon, samples; may be above the picture. */
  readonly horizon: number;
  readonly ground: readonly [Rgb, Rgb, Rgb];
  /** Blades of grass, from dark to light. */
  readonly grass: readonly [Rgb, Rgb];
  /** Grass strokes per sample of ground. */
  readonly grassDensity: number;
  readonly leaf: readonly [Rgb, Rgb];
  readonly sky: readonly [top: Rgb, bottom: Rgb];
  readonly cloudiness: number;
  readonly hills: readonly Rgb[];
  readonly light: Light;
}

export function drawLand(height: number, rng: Rng, { grounds, weathers }: Palette = savanna): Land {
  const kind = grounds[rng.integer(grounds.length)]!;
  const weather = weathers[rng.integer(weathers.length)]!;
  const tint = rng.uniform(0.9, 1.1);
  const farGround = mixRgb(kind.ground[0], weather.sky[1], 0.45);
  const forest = mixRgb([0.2, 0.26, 0.15], weather.sky[1], rng.uniform(0.15, 0.4));
  const hills: Rgb[] = [mixRgb([0.42, 0.48, 0.58], weather.sky[1], 0.55), farGround, forest];
  const green: Rgb = [0.16, rng.uniform(0.22, 0.28), 0.1];
  const brown: Rgb = [0.3, 0.23, 0.13];
  const leafDark = mixRgb(green, brown, rng.next() * rng.next());
  return {
    horizon: height * (rng.next() < 0.2 ? rng.uniform(-0.4, 0) : rng.uniform(0.12, 0.48)),
    ground: [scaleRgb(kind.ground[0], tint), scaleRgb(kind.ground[1], tint), scaleRgb(kind.ground[2], tint)],
    grass: kind.grass,
    grassDensity: rng.uniform(...kind.density),
    leaf: [leafDark, mixRgb(leafDark, [0.62, 0.62, 0.3], 0.5)],
    sky: weather.sky,
    cloudiness: rng.uniform(0.35, 0.75),
    hills: hills.filter(() => rng.next() < 0.6),
    light: { towards: sunDirection(rng), sun: weather.sun, sky: weather.ambient },
  };
}

function sunDirection(rng: Rng): [number, number, number] {
  const [x, y, z] = [rng.uniform(-0.9, 0.9), -rng.uniform(0.35, 1), rng.uniform(-0.25, 0.8)];
  const norm = Math.sqrt(x * x + y * y + z * z);
  return [x / norm, y / norm, z / norm];
}

/** Nearness of a row of ground: 0 at the horizon, 1 at the lower edge. */
export function nearness(canvas: Canvas, land: Land, y: number): number {
  return Math.max(0, (y - land.horizon) / (canvas.height - land.horizon));
}

/** One colour per block of `block` x `block` samples: land has no edge that would need more, and this is most of the work. */
export function paintLand(canvas: Canvas, land: Land, noise: Noise, block: number): void {
  for (let y = 0; y < canvas.height; y += block) {
    for (let x = 0; x < canvas.width; x += block) {
      const color = y < land.horizon ? skyAt(canvas, land, noise, x, y) : groundAt(canvas, land, noise, x, y);
      for (let i = 0; i < block * block; i++) {
        paint(canvas, (y + Math.floor(i / block)) * canvas.width + x + (i % block), color);
      }
    }
  }
}

function skyAt(canvas: Canvas, land: Land, noise: Noise, x: number, y: number): Rgb {
  const unit = canvas.width / 320;
  for (let i = land.hills.length - 1; i >= 0; i--) {
    const rough = i === land.hills.length - 1 ? 3 : 1;
    const ridge = noise.fractal((x / unit / 70) * rough + i * 31, i * 7.7, 4) * (land.hills.length - i) * 16 * unit;
    if (land.horizon - y > ridge) continue;
    return scaleRgb(land.hills[i]!, 0.85 + 0.3 * noise.fractal(x / unit / 4, y / unit / 4, 2));
  }
  const clear = mixRgb(land.sky[0], land.sky[1], Math.sqrt(Math.max(0, y) / Math.max(1, land.horizon)));
  const cloud = smoothStep(land.cloudiness, 0.95, noise.fractal(x / unit / 60, y / unit / 22, 5) + 0.15);
  return mixRgb(clear, [0.97, 0.97, 0.97], cloud * 0.85);
}

function groundAt(canvas: Canvas, land: Land, noise: Noise, x: number, y: number): Rgb {
  const near = nearness(canvas, land, y);
  const unit = (canvas.width / 320) * (0.12 + 0.88 * near);
  const u = (x - canvas.width / 2) / unit;
  const v = 260 / (near + 0.13);
  const patches = noise.fractal(u / 60, v / 60, 3);
  const spots = noise.fractal(u / 14 + 50, v / 14, 2);
  const base = mixRgb(land.ground[0], land.ground[1], smoothStep(0.3, 0.7, patches));
  const color = mixRgb(base, land.ground[2], smoothStep(0.45, 0.75, spots) * 0.8);
  const grain = 0.78 + 0.44 * noise.fractal(u / 2.2, v / 2.2, 2);
  const far = 1 - near;
  return mixRgb(scaleRgb(color, grain * sunlight(land.light)), land.sky[1], 0.35 * far * far * far * far);
}

/** Brightness of flat ground, relative to noon. */
export function sunlight({ towards, sun, sky }: Light): number {
  const brightness = (sun[0] + sun[1] + sun[2]) * -towards[1] + sky[0] + sky[1] + sky[2];
  return mix(0.35, 1, brightness / 3.3);
}
