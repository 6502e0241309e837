/**
 * Scenes that are hard to learn from tags: up to four animals of both kinds in one image, from a speck to a close-up that
 * the frame cuts, one before the other, behind fences and grass. Land, light and clutter are drawn without knowing what
 * will stand in them, so the background says nothing about the tags.
 */
import { assert } from "../../shared/assert.js";
import { BACKGROUND } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import { drawPose, type Placement, type Pose, project, type Species } from "./animal.js";
import { blur, drawHastyCamera, expose } from "./camera.js";
import { type Canvas, createCanvas, downsample, type Picture } from "./canvas.js";
import { dapple, drawBirch, drawFence, drawLog, paintForest } from "./clutter.js";
import { anyHorseCoats, horseCoat, zebraCoat } from "./coat.js";
import { drawLand, type Land, nearness, paintLand } from "./land.js";
import { clamp, mix, Noise } from "./noise.js";
import { anywhere } from "./palettes.js";
import { drawBush, drawRock, drawTallGrass, drawTree } from "./plants.js";
import { coverPartly, extent, type Item, labelOf, paintItems, type SceneSize, samplesPerPixel } from "./scene.js";
import { drawShadow } from "./shadow.js";
import { drawSolid } from "./solid.js";

/** Share of the picture that all animals together may fill. */
export const herdShareMin = 0.01;
export const herdShareMax = 0.6;
/** A tag is true only when there is something to see: the least share of each kind, of the image and of all animals. */
export const speciesShareMin = 0.004;
export const speciesPartMin = 1 / 12;

/** About one scene in three hides a kind or misses the share at the first try; this many misses in a row is a bug. */
const attemptsMax = 100;

export function drawHerd(species: readonly Species[], size: SceneSize, ...key: readonly (string | number)[]): Picture {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const picture = drawAttempt(species, size, key, attempt);
    if (isHonest(picture, species)) return picture;
  }
  assert(false, `no scene of ${species.join(", ")} at ${size.width}x${size.height} after ${attemptsMax} attempts`);
}

/** Every kind that the tags name can be seen, and the animals fill a share within the limits. */
function isHonest({ labels }: Picture, species: readonly Species[]): boolean {
  const shareOf = (wanted: (label: number) => boolean) => labels.filter(wanted).length / labels.length;
  const share = shareOf((label) => label !== BACKGROUND);
  if (species.length === 0) return share === 0;
  if (share < herdShareMin || share > herdShareMax) return false;
  const visible = Math.max(speciesShareMin, share * speciesPartMin);
  return species.every((kind) => shareOf((label) => label === labelOf[kind]) >= visible);
}

function drawAttempt(
  species: readonly Species[],
  size: SceneSize,
  key: readonly (string | number)[],
  attempt: number,
): Picture {
  const canvas = createCanvas(size.width * samplesPerPixel, size.height * samplesPerPixel);
  const place = new Rng(...key, "land");
  const noise = new Noise(place.integer(2 ** 31));
  const land = drawLand(canvas.height, place, anywhere);
  paintLand(canvas, land, noise, samplesPerPixel);
  if (place.next() < 0.4) paintForest(canvas, land, place, noise);
  const herd = herdItems(canvas, land, new Rng(...key, "herd", attempt), noise, species);
  const clutter = clutterItems(canvas, land, noise, (i) => new Rng(...key, "clutter", i));
  paintItems(canvas, land, new Rng(...key, "grass"), [...clutter, ...herd]);
  develop(canvas, new Rng(...key, "camera"), noise);
  return downsample(canvas, samplesPerPixel);
}

function develop(canvas: Canvas, rng: Rng, noise: Noise): void {
  if (rng.next() < 0.35) dapple(canvas, rng, noise);
  const unit = Math.max(1, Math.round(canvas.width / 640));
  const odd = () => 1 + 2 * unit * rng.integer(3);
  if (rng.next() < 0.4) blur(canvas, odd(), odd());
  expose(canvas, drawHastyCamera(rng), rng);
}

/** Each thing has a generator of its own: what is painted between them does not change them. */
function clutterItems(canvas: Canvas, land: Land, noise: Noise, rngOf: (item: number) => Rng): Item[] {
  const { width, height } = canvas;
  const ground = Math.max(land.horizon, 0);
  const counts = rngOf(0);
  let made = 0;
  const many = (
    most: number,
    [low, high]: readonly [number, number],
    draw: (rng: Rng, x: number, y: number, size: number) => void,
  ): Item[] =>
    Array.from({ length: counts.integer(most + 1) }, () => {
      const rng = rngOf(++made);
      const y = ground + rng.uniform(low, high) * (height - ground);
      const size = height * (0.25 + nearness(canvas, land, y));
      return { y, paint: () => draw(rng, rng.uniform(0, width), y, size) };
    });
  return [
    ...many(4, [0.01, 0.3], (r, x, y, s) => drawTree(canvas, land, r, noise, x, y, s * r.uniform(0.55, 1.1))),
    ...many(5, [0.02, 1], (r, x, y, s) => drawBush(canvas, land, r, noise, x, y, s * r.uniform(0.07, 0.2))),
    ...many(5, [0.05, 1], (r, x, y, s) => drawRock(canvas, land, r, noise, x, y, s * r.uniform(0.05, 0.26))),
    ...many(3, [0.05, 1], (r, x, y, s) => drawLog(canvas, land, r, noise, x, y, s * r.uniform(0.15, 0.45))),
    ...many(3, [0.02, 1.1], (r, x, y, s) => drawBirch(canvas, land, r, noise, x, y, s * r.uniform(0.7, 1.6))),
    ...many(1, [0.05, 1], (r, _x, y, s) => drawFence(canvas, land, r, noise, y, s * r.uniform(0.15, 0.35))),
    ...many(4, [0.3, 1.02], (r, x, y, s) => {
      drawTallGrass(canvas, land, r, x, y, width * r.uniform(0.05, 0.25), s * r.uniform(0.1, 0.22));
    }),
  ];
}

/** Shares are spread evenly on a logarithmic scale: as many specks as close-ups. */
function herdItems(canvas: Canvas, land: Land, rng: Rng, noise: Noise, species: readonly Species[]): Item[] {
  const shareLow = Math.max(herdShareMin * 1.3, 0.008 * species.length);
  const share = shareLow * (0.75 / shareLow) ** rng.next();
  const weights = species.map(() => rng.uniform(0.4, 1.6));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pitch = rng.uniform(0.04, 0.4);
  let before: Placement | null = null;
  return species.map((kind, i) => {
    const pose = drawPose(kind, rng);
    const place = findPlace(canvas, land, rng, pose, (share * weights[i]!) / total, pitch, before);
    before = place;
    const own = new Rng(rng.next());
    return { y: place.y, paint: () => drawAnimal(canvas, land, own, noise, pose, place) };
  });
}

/** Small is far. Up to half of the animal may be outside the frame; one in two stands close to the one before. */
function findPlace(
  canvas: Canvas,
  land: Land,
  rng: Rng,
  pose: Pose,
  share: number,
  pitch: number,
  before: Placement | null,
): Placement {
  const { width, height } = canvas;
  const unit = extent(pose, { x: 0, y: 0, scale: 1, pitch });
  const fits = Math.min(width / (unit.right - unit.left), height / -unit.top);
  const scale = Math.min(Math.sqrt((share * width * height) / 0.7), fits * 1.7);
  const [left, right, high] = [unit.left * scale, unit.right * scale, -unit.top * scale];
  const hidden = 0.4 * (right - left);
  const free = rng.uniform(-left - hidden, width - right + hidden);
  const beside = before && rng.next() < 0.5 ? before.x + rng.uniform(-0.9, 0.9) * scale : free;
  const ground = Math.max(land.horizon, 0);
  const far = clamp(0.1 + 1.1 * (scale / height) + rng.uniform(-0.1, 0.12), 0.04, 1);
  const beyond = Math.max(0, high - 0.85 * height) * rng.uniform(0, 0.8);
  const y = mix(ground, height, far) + beyond;
  return {
    x: clamp(beside, -left - hidden, width - right + hidden),
    y: clamp(y, Math.min(0.6 * high, height), height + 0.4 * high),
    scale,
    pitch,
  };
}

function drawAnimal(canvas: Canvas, land: Land, rng: Rng, noise: Noise, pose: Pose, place: Placement): void {
  drawShadow(canvas, pose, place, land.light);
  const isHorse = pose.species === "horse";
  const albedo = isHorse ? horseCoat(rng, noise, place.scale, anyHorseCoats) : zebraCoat(rng, noise, place.scale);
  drawSolid(canvas, project(pose, place), albedo, land.light, labelOf[pose.species], 0.09 * place.scale);
  if (rng.next() < 0.7) coverPartly(canvas, land, rng, noise, place);
}
