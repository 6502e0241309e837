/** Shadows on the ground: every bone falls along the sun's direction and darkens what it reaches, softly. */
import { type Placement, type Pose, shadowOf } from "./animal.js";
import type { Canvas } from "./canvas.js";
import { clamp, smoothStep } from "./noise.js";
import type { Light } from "./solid.js";

/** A low sun would throw shadows out of the picture. */
const shiftMax = 1.3;

export function drawShadow(canvas: Canvas, pose: Pose, place: Placement, light: Light): void {
  const [lx, ly, lz] = light.towards;
  const shift = [clamp(lx / ly, -shiftMax, shiftMax), clamp(lz / ly, -shiftMax, shiftMax)] as const;
  const flat = Math.max(0.12, Math.sin(place.pitch));
  const cover = new Float32Array(canvas.width * canvas.height);
  for (const [a, b] of shadowOf(pose, place, shift)) stamp(canvas, cover, a, b, flat);
  const strength = 0.25 + 0.35 * light.sun[0];
  for (let i = 0; i < cover.length; i++) {
    const keep = 1 - strength * cover[i]!;
    for (let k = 0; k < 3; k++) canvas.rgb[i * 3 + k]! *= keep;
  }
}

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly r: number;
}

/** The strip swept by a disc from a to b, seen flattened, with a soft edge. */
function stamp(canvas: Canvas, cover: Float32Array, a: Disc, b: Disc, flat: number): void {
  const reach = Math.max(a.r, b.r) * 1.3;
  const y0 = Math.max(0, Math.floor(Math.min(a.y, b.y) - reach * flat));
  const y1 = Math.min(canvas.height - 1, Math.ceil(Math.max(a.y, b.y) + reach * flat));
  const x0 = Math.max(0, Math.floor(Math.min(a.x, b.x) - reach));
  const x1 = Math.min(canvas.width - 1, Math.ceil(Math.max(a.x, b.x) + reach));
  const [dx, dy] = [b.x - a.x, (b.y - a.y) / flat];
  const length2 = dx * dx + dy * dy || 1;
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      const [px, py] = [x + 0.5 - a.x, (y + 0.5 - a.y) / flat];
      const t = clamp((px * dx + py * dy) / length2, 0, 1);
      const distance = Math.sqrt((px - t * dx) ** 2 + (py - t * dy) ** 2) / (a.r + (b.r - a.r) * t);
      const at = y * canvas.width + x;
      cover[at] = Math.max(cover[at]!, 1 - smoothStep(0.7, 1.3, distance));
    }
  }
}
