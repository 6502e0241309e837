/** What the animals wear: browns (never far from sand, earth and dry grass), or stripes that run across every body part. */
import type { Rng } from "../../shared/rng.js";
import { mixRgb, type Rgb, scaleRgb } from "./canvas.js";
import { type Noise, smoothStep } from "./noise.js";
import type { Albedo, Hit } from "./solid.js";

interface HorseCoat {
  readonly body: Rgb;
  /** Colour of a pinto's patches. */
  readonly patches?: Rgb;
  readonly mane: Rgb;
  /** Colour of the lower legs. */
  readonly socks: Rgb;
}

/** Chestnut, bay, dark bay, dun, palomino, sorrel with a light mane, and a greyed brown. */
const horseCoats: readonly HorseCoat[] = [
  { body: [0.5, 0.26, 0.14], mane: [0.42, 0.2, 0.1], socks: [0.46, 0.24, 0.13] },
  { body: [0.42, 0.23, 0.13], mane: [0.09, 0.07, 0.06], socks: [0.1, 0.08, 0.07] },
  { body: [0.25, 0.16, 0.11], mane: [0.1, 0.07, 0.06], socks: [0.16, 0.1, 0.08] },
  { body: [0.66, 0.51, 0.34], mane: [0.2, 0.15, 0.11], socks: [0.3, 0.22, 0.15] },
  { body: [0.72, 0.54, 0.31], mane: [0.86, 0.79, 0.64], socks: [0.76, 0.64, 0.46] },
  { body: [0.55, 0.3, 0.16], mane: [0.74, 0.58, 0.38], socks: [0.85, 0.82, 0.76] },
  { body: [0.47, 0.4, 0.34], mane: [0.24, 0.2, 0.18], socks: [0.3, 0.26, 0.23] },
];

/** All of them, and a grey, a black, a dirty white, a bay and a black pinto. */
export const anyHorseCoats: readonly HorseCoat[] = [
  ...horseCoats,
  { body: [0.62, 0.61, 0.6], mane: [0.4, 0.39, 0.39], socks: [0.42, 0.41, 0.41] },
  { body: [0.13, 0.12, 0.12], mane: [0.07, 0.07, 0.07], socks: [0.1, 0.1, 0.1] },
  { body: [0.84, 0.82, 0.77], mane: [0.8, 0.77, 0.7], socks: [0.66, 0.62, 0.55] },
  { body: [0.46, 0.27, 0.16], mane: [0.3, 0.19, 0.13], socks: [0.84, 0.82, 0.78], patches: [0.86, 0.84, 0.8] },
  { body: [0.16, 0.14, 0.13], mane: [0.1, 0.09, 0.09], socks: [0.84, 0.82, 0.78], patches: [0.86, 0.85, 0.82] },
];

const hoofColor: Rgb = [0.14, 0.12, 0.1];
const eyeColor: Rgb = [0.04, 0.03, 0.03];

export function horseCoat(rng: Rng, noise: Noise, scale: number, coats = horseCoats): Albedo {
  const coat = coats[rng.integer(coats.length)]!;
  const tone = rng.uniform(0.88, 1.12);
  return (hit) => {
    const mottle = 0.88 + 0.24 * noise.fractal((hit.x / scale) * 14, (hit.y / scale) * 14, 3);
    return scaleRgb(horsePart(patched(coat, hit, noise, scale), hit, scale), tone * mottle);
  };
}

function patched(coat: HorseCoat, { x, y }: Hit, noise: Noise, scale: number): HorseCoat {
  if (!coat.patches) return coat;
  const share = smoothStep(0.52, 0.56, noise.fractal((x / scale) * 3.5 + 7, (y / scale) * 3.5, 3));
  return { ...coat, body: mixRgb(coat.body, coat.patches, share) };
}

function horsePart(coat: HorseCoat, { sphere, along }: Hit, scale: number): Rgb {
  switch (sphere.part) {
    case "hoof":
      return hoofColor;
    case "eye":
      return eyeColor;
    case "mane":
    case "tail":
      return coat.mane;
    case "muzzle":
      return mixRgb(coat.body, [0.2, 0.15, 0.13], 0.55);
    case "shin":
      return coat.socks;
    case "leg":
      return mixRgb(coat.body, coat.socks, smoothStep(0.02, 0.2, along / scale));
    default:
      return coat.body;
  }
}

/** Stripes per unit of length (height at the withers): broad on the trunk, fine on head and legs. */
const stripesPerUnit: Partial<Record<string, number>> = {
  trunk: 8.5,
  neck: 10,
  head: 16,
  thigh: 9,
  leg: 14,
  shin: 17,
  mane: 0,
  ear: 14,
  dock: 16,
};

export function zebraCoat(rng: Rng, noise: Noise, scale: number): Albedo {
  const density = rng.uniform(0.85, 1.2);
  const warmth = rng.uniform(0, 1);
  const light = mixRgb([0.9, 0.89, 0.86], [0.86, 0.79, 0.68], warmth);
  const dark = mixRgb([0.09, 0.09, 0.1], [0.17, 0.12, 0.09], warmth);
  const blackShare = rng.uniform(0.44, 0.56);
  return (hit) => {
    const { part } = hit.sphere;
    if (part === "hoof" || part === "muzzle" || part === "tail") return dark;
    if (part === "eye") return eyeColor;
    const wobble = noise.fractal((hit.x / scale) * 4, (hit.y / scale) * 4, 2) - 0.5;
    const phase = maneOr(hit, scale, density) + wobble * 1.1;
    const wave = Math.abs(phase - Math.floor(phase) - 0.5) * 2;
    const fade = smoothStep(blackShare - 0.08, blackShare + 0.08, wave);
    const dirt = 0.9 + 0.2 * noise.fractal((hit.x / scale) * 20, (hit.y / scale) * 20, 2);
    return scaleRgb(mixRgb(dark, light, fade), dirt);
  };
}

/** The stripe coordinate, in periods. A mane carries on the neck's stripes, so it goes by the tuft's place. */
function maneOr({ sphere, along, x, y }: Hit, scale: number, density: number): number {
  if (sphere.part === "mane") return ((x * 0.7 + y * 0.7) / scale) * 10 * density;
  return (along / scale) * (stripesPerUnit[sphere.part] ?? 10) * density;
}
