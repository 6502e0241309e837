/**
 * One synthetic photo with its exact mask: a savanna, and on it horses, zebras or nothing. All chance comes from the key,
 * so a scene is the same bytes wherever it is drawn.
 */
import { assert } from "../../shared/assert.js";
import { BACKGROUND } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import { drawPose, type Placement, type Pose, project, type Species } from "./animal.js";
import { drawCamera, expose } from "./camera.js";
import { type Canvas, createCanvas, downsample, type Picture } from "./canvas.js";
import { horseCoat, zebraCoat } from "./coat.js";
import { drawLand, type Land, nearness, paintLand } from "./land.js";
import { Noise } from "./noise.js";
import { drawBush, drawGrass, drawRock, drawTallGrass, drawTree } from "./plants.js";
import { drawShadow } from "./shadow.js";
import { drawSolid } from "./solid.js";

export type SceneKind = Species | "none";

/** Label ids of the masks: alphabetical, as the indexer numbers class folders. */
export const labelOf = { none: BACKGROUND, horse: 1, zebra: 2 } as const satisfies Record<SceneKind, number>;

/** Share of the picture that the animals may fill. Smaller is a search game, larger leaves no background to learn. */
export const shareMin = 0.08;
export const shareMax = 0.45;

/** Below, no leg is a pixel wide; above, one scene takes seconds. */
export const sceneSideMin = 48;
export const sceneSideMax = 1024;
/** In a longer strip a whole animal cannot fill its share. */
export const sceneAspectMax = 2;

/** Samples per pixel side: smooth edges at four times the work. */
export const samplesPerPixel = 2;
/** About one scene in four misses the share at the first try; this many misses in a row is a bug. */
const attemptsMax = 40;

export interface SceneSize {
  readonly width: number;
  readonly height: number;
}

export function drawScene(kind: SceneKind, size: SceneSize, ...key: readonly (string | number)[]): Picture {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const picture = drawAttempt(kind, size, new Rng(...key, kind, attempt));
    const share =
      picture.labels.reduce((sum, label) => sum + (label === BACKGROUND ? 0 : 1), 0) / picture.labels.length;
    if (kind === "none" || (share >= shareMin && share <= shareMax)) return picture;
  }
  assert(false, `no ${kind} scene of ${size.width}x${size.height} after ${attemptsMax} attempts`);
}

export interface Item {
  /** Its foot on the ground: what is nearer is painted later. */
  readonly y: number;
  readonly paint: () => void;
}

function drawAttempt(kind: SceneKind, size: SceneSize, rng: Rng): Picture {
  const canvas = createCanvas(size.width * samplesPerPixel, size.height * samplesPerPixel);
  const noise = new Noise(rng.integer(2 ** 31));
  const land = drawLand(canvas.height, rng);
  paintLand(canvas, land, noise, samplesPerPixel);
  const animals = kind === "none" ? [] : animalItems(canvas, land, rng, noise, kind);
  const items = [...sceneryItems(canvas, land, rng, noise), ...animals];
  paintItems(canvas, land, rng, items);
  expose(canvas, drawCamera(rng), rng);
  return downsample(canvas, samplesPerPixel);
}

/** From far to near, with grass between. */
export function paintItems(canvas: Canvas, land: Land, rng: Rng, items: readonly Item[]): void {
  let grassFrom = land.horizon;
  for (const item of [...items].sort((a, b) => a.y - b.y)) {
    drawGrass(canvas, land, rng, grassFrom, item.y);
    grassFrom = item.y;
    item.paint();
  }
  drawGrass(canvas, land, rng, grassFrom, canvas.height * 1.06);
}

function sceneryItems(canvas: Canvas, land: Land, rng: Rng, noise: Noise): Item[] {
  const { width, height } = canvas;
  const spot = (low: number, high: number) => {
    const y = Math.max(land.horizon, 0) + rng.uniform(low, high) * (height - Math.max(land.horizon, 0));
    return { x: rng.uniform(0, width), y, near: 0.25 + nearness(canvas, land, y) };
  };
  const many = (most: number, make: () => Item) => Array.from({ length: rng.integer(most + 1) }, make);
  return [
    ...many(3, () => {
      const { x, y, near } = spot(0.01, 0.22);
      return { y, paint: () => drawTree(canvas, land, rng, noise, x, y, height * near * rng.uniform(0.55, 1.1)) };
    }),
    ...many(4, () => {
      const { x, y, near } = spot(0.02, 0.9);
      return { y, paint: () => drawBush(canvas, land, rng, noise, x, y, height * near * rng.uniform(0.07, 0.17)) };
    }),
    ...many(3, () => {
      const { x, y, near } = spot(0.05, 0.95);
      return { y, paint: () => drawRock(canvas, land, rng, noise, x, y, height * near * rng.uniform(0.05, 0.2)) };
    }),
    ...many(3, () => {
      const { x, y, near } = spot(0.3, 1.02);
      const wide = width * rng.uniform(0.05, 0.2);
      return { y, paint: () => drawTallGrass(canvas, land, rng, x, y, wide, height * near * rng.uniform(0.1, 0.2)) };
    }),
  ];
}

function animalItems(canvas: Canvas, land: Land, rng: Rng, noise: Noise, species: Species): Item[] {
  const count = rng.next() < 0.22 ? 2 : 1;
  const share = rng.uniform(0.1, 0.38) / count;
  const pitch = rng.uniform(0.06, 0.3);
  return Array.from({ length: count }, () => {
    const pose = drawPose(species, rng);
    const place = findPlace(canvas, land, rng, pose, share, pitch);
    return { y: place.y, paint: () => drawAnimal(canvas, land, rng, noise, pose, place) };
  });
}

/** A side view covers about 0.7 square units. The whole animal, or nearly, must fit. */
function findPlace(canvas: Canvas, land: Land, rng: Rng, pose: Pose, share: number, pitch: number): Placement {
  const unit = extent(pose, { x: 0, y: 0, scale: 1, pitch });
  const wanted = Math.sqrt((share * canvas.width * canvas.height) / 0.7);
  const fits = Math.min((canvas.width * 1.08) / (unit.right - unit.left), (canvas.height * 1.02) / -unit.top);
  const scale = Math.min(wanted, fits);
  const slack = 0.06 * canvas.width;
  const x = rng.uniform(-slack - unit.left * scale, canvas.width + slack - unit.right * scale);
  const highest = Math.max(-unit.top * scale - 0.04 * canvas.height, land.horizon + 0.08 * canvas.height);
  const y = rng.uniform(Math.min(highest, canvas.height), canvas.height * 0.99);
  return { x, y, scale, pitch };
}

export function extent(pose: Pose, place: Placement): { left: number; right: number; top: number } {
  const spheres = project(pose, place);
  return {
    left: Math.min(...spheres.map(({ x, r }) => x - r)),
    right: Math.max(...spheres.map(({ x, r }) => x + r)),
    top: Math.min(...spheres.map(({ y, r }) => y - r)),
  };
}

function drawAnimal(canvas: Canvas, land: Land, rng: Rng, noise: Noise, pose: Pose, place: Placement): void {
  drawShadow(canvas, pose, place, land.light);
  const coat = pose.species === "horse" ? horseCoat : zebraCoat;
  const albedo = coat(rng, noise, place.scale);
  drawSolid(canvas, project(pose, place), albedo, land.light, labelOf[pose.species], 0.09 * place.scale);
  coverPartly(canvas, land, rng, noise, place);
}

/** Some animals stand in the open, some in tall grass, some behind a bush. */
export function coverPartly(canvas: Canvas, land: Land, rng: Rng, noise: Noise, { x, y, scale }: Placement): void {
  const choice = rng.next();
  const at = x + rng.uniform(-0.6, 0.6) * scale;
  if (choice < 0.4) return;
  if (choice < 0.75) {
    const [wide, high] = [scale * rng.uniform(0.3, 1.1), scale * rng.uniform(0.15, 0.42)];
    drawTallGrass(canvas, land, rng, at, y + scale * 0.05, wide, high);
  } else drawBush(canvas, land, rng, noise, at, y + scale * 0.1, scale * rng.uniform(0.2, 0.42));
}
