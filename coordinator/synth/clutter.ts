/**
 * What makes a scene hard: things with the colours of horses (logs, stumps), things with the stripes of zebras (birches,
 * fences, a forest's trunks), and light through leaves, which draws borders where there are none.
 */
import type { Rng } from "../../shared/rng.js";
import { type Canvas, mixRgb, paint, type Rgb, scaleRgb } from "./canvas.js";
import { type Land, sunlight } from "./land.js";
import { mix, type Noise, smoothStep } from "./noise.js";
import { drawSolid, type Hit, type Sphere } from "./solid.js";

const barks: readonly Rgb[] = [
  [0.36, 0.24, 0.15],
  [0.5, 0.33, 0.2],
  [0.3, 0.26, 0.22],
  [0.56, 0.46, 0.34],
];

interface End {
  readonly x: number;
  readonly y: number;
  readonly r: number;
}

/** A trunk, lying or broken off, in the browns of horses. */
export function drawLog(canvas: Canvas, land: Land, rng: Rng, noise: Noise, x: number, y: number, size: number): void {
  const bark = scaleRgb(barks[rng.integer(barks.length)]!, rng.uniform(0.8, 1.2));
  const r = size * rng.uniform(0.12, 0.24);
  const lies = rng.next() < 0.7;
  const angle = lies ? rng.uniform(-0.35, 0.35) : -Math.PI / 2 + rng.uniform(-0.2, 0.2);
  const length = size * (lies ? rng.uniform(0.9, 1.8) : rng.uniform(0.3, 0.9));
  const from = { x, y: y - r, r };
  const to = { x: x + Math.cos(angle) * length, y: y - r + Math.sin(angle) * length, r: r * rng.uniform(0.6, 1) };
  const branches = Array.from({ length: rng.integer(4) }, () => {
    const at = between(from, to, rng.uniform(0.3, 1));
    const up = rng.uniform(0.2, 0.7) * size;
    return stick(at, { x: at.x + rng.uniform(-0.4, 0.4) * size, y: at.y - up, r: at.r * 0.2 });
  });
  const grain = canvas.width / 320;
  const [across, along] = lies ? [7, 2] : [2, 7];
  const rough = ({ x: px, y: py }: Hit) => {
    return scaleRgb(bark, 0.6 + 0.8 * noise.fractal(px / grain / across, py / grain / along, 3));
  };
  drawSolid(canvas, [...stick(from, to), ...branches.flat()], rough, land.light, 0, r / 2);
}

/** White bark with black marks across. */
export function drawBirch(
  canvas: Canvas,
  land: Land,
  rng: Rng,
  noise: Noise,
  x: number,
  y: number,
  high: number,
): void {
  const r = high * rng.uniform(0.02, 0.045);
  const top = { x: x + rng.uniform(-0.15, 0.15) * high, y: y - high, r: r * 0.5 };
  const white = mixRgb([0.86, 0.85, 0.81], [0.7, 0.66, 0.58], rng.next());
  const marks = rng.uniform(0.42, 0.58);
  const albedo = ({ x: px, y: py }: Hit): Rgb => {
    const mark = smoothStep(marks, marks + 0.08, noise.fractal(px / r / 1.6, (py / r) * 1.5, 2));
    return scaleRgb(mixRgb(white, [0.1, 0.09, 0.08], mark), 0.85 + 0.3 * noise.at(px / 2, py / 2));
  };
  drawSolid(canvas, stick({ x, y, r }, top), albedo, land.light, 0, r / 2);
}

/** Posts and rails from edge to edge: in front of an animal it cuts it into pieces. */
export function drawFence(canvas: Canvas, land: Land, rng: Rng, noise: Noise, y: number, high: number): void {
  const wood = rng.next() < 0.4 ? ([0.88, 0.87, 0.84] as const) : barks[rng.integer(barks.length)]!;
  const gap = high * rng.uniform(0.7, 1.6);
  const r = high * rng.uniform(0.02, 0.045);
  const slope = rng.uniform(-0.08, 0.08);
  const foot = (x: number) => y + slope * (x - canvas.width / 2);
  const rails = [0.45, 0.75, 0.98].slice(0, 1 + rng.integer(3)).map((share) => {
    const at = (x: number): End => ({ x, y: foot(x) - high * share, r: r * 0.7 });
    return stick(at(-gap), at(canvas.width + gap));
  });
  const posts = Array.from({ length: Math.ceil(canvas.width / gap) + 2 }, (_, i) => {
    const x = (i - rng.uniform(0.4, 0.6)) * gap;
    return stick({ x, y: foot(x), r }, { x, y: foot(x) - high * rng.uniform(1, 1.12), r });
  });
  const weathered = ({ x: px, y: py }: Hit) => scaleRgb(wood, 0.7 + 0.5 * noise.fractal(px / 3, py / 3, 2));
  drawSolid(canvas, [...rails.flat(), ...posts.flat()], weathered, land.light, 0, r);
}

/** Leaves and trunks, side by side, above the horizon. */
export function paintForest(canvas: Canvas, land: Land, rng: Rng, noise: Noise): void {
  const unit = canvas.width / 320;
  const high = canvas.height * rng.uniform(0.12, 0.6);
  const bark = scaleRgb(barks[rng.integer(barks.length)]!, rng.uniform(0.6, 1.4));
  const density = rng.uniform(0.62, 0.8);
  const light = sunlight(land.light);
  for (let x = 0; x < canvas.width; x++) {
    const ridge = high * (0.5 + noise.fractal(x / unit / 18 + 70, 3.3, 4));
    const [top, bottom] = [Math.max(0, Math.floor(land.horizon - ridge)), Math.min(canvas.height, land.horizon + unit)];
    for (let y = top; y < bottom; y++) {
      const trunk = noise.fractal(x / unit / 5 + 300, y / unit / 160, 2);
      const leaf = noise.fractal(x / unit / 5, y / unit / 5, 3);
      const color = trunk > density ? scaleRgb(bark, 0.5 + leaf) : mixRgb(land.leaf[0], land.leaf[1], leaf);
      paint(canvas, y * canvas.width + x, scaleRgb(color, light * (0.35 + leaf)));
    }
  }
}

/** Light and shade on everything, animals too, as under a tree or beside a fence. */
export function dapple(canvas: Canvas, rng: Rng, noise: Noise): void {
  const unit = canvas.width / 320;
  const depth = rng.uniform(0.25, 0.6);
  const threshold = rng.uniform(0.4, 0.6);
  const [wide, high] = [unit * rng.uniform(12, 60), unit * rng.uniform(8, 30)];
  for (let pixel = 0; pixel < canvas.labels.length; pixel++) {
    const [x, y] = [pixel % canvas.width, Math.floor(pixel / canvas.width)];
    const shade = smoothStep(threshold - 0.04, threshold + 0.04, noise.fractal(x / wide + 500, y / high, 3));
    for (let k = 0; k < 3; k++) canvas.rgb[pixel * 3 + k]! *= 1 - depth * shade;
  }
}

function between(a: End, b: End, t: number): End {
  return { x: mix(a.x, b.x, t), y: mix(a.y, b.y, t), r: mix(a.r, b.r, t) };
}

function stick(a: End, b: End): Sphere[] {
  const count = Math.max(2, Math.ceil((Math.hypot(b.x - a.x, b.y - a.y) / Math.min(a.r, b.r)) * 2));
  return Array.from({ length: count + 1 }, (_, i) => {
    return { ...between(a, b, i / count), z: 0, part: "wood", along: 0, axis: [0, 0, 0], tone: 1 };
  });
}
