/**
 * One picture per data set of an ablation: a row per variant, a column per photo, each photo under the masks that the
 * variant's first finished seed ended with. Photo and truth come first.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type OverlayOptions } from "sharp";
import { manifestSchema } from "../../shared/data/manifest.js";
import { type Mask, readMaskPng } from "../../shared/data/mask-png.js";
import { overlayLabels, resizeLabels } from "../../shared/data/overlay.js";
import { maskPathsSchema, runFiles } from "../../shared/data/run-record.js";
import type { CellOutcome } from "../ablation/table.js";
import { chooseSamples } from "../report/samples.js";
import { readJson, writeFileDurably } from "./files.js";
import { readThumb, type Thumb } from "./report-pictures.js";

const photosMax = 8;
/** Pixels. */
const tile = { width: 160, height: 120 };
const nameWidth = 190;
const look = { background: "grey", opacity: 0.45 } as const;

interface Row {
  readonly name: string;
  /** Null where a mask is missing. */
  readonly masks: readonly (Mask | null)[];
}

/** @returns data set -> file name below `dir`; without finished cells, or photos, there is no picture. */
export async function writeSheets(dir: string, cells: readonly CellOutcome[]): Promise<Record<string, string>> {
  const sheets: Record<string, string> = {};
  for (const dataset of new Set(cells.map((cell) => cell.dataset))) {
    const file = `sheet-${dataset}.jpg`;
    const done = cells.filter((cell) => cell.dataset === dataset && cell.state === "done");
    // The picture is for looking: nothing that was measured depends on it.
    const bytes = await drawSheet(firstSeeds(done)).catch(() => null);
    if (!bytes) continue;
    await writeFileDurably(join(dir, file), bytes);
    sheets[dataset] = file;
  }
  return sheets;
}

function firstSeeds(cells: readonly CellOutcome[]): CellOutcome[] {
  return cells.filter((cell, i) => cells.findIndex(({ variant }) => variant === cell.variant) === i);
}

async function drawSheet(cells: readonly CellOutcome[]): Promise<Buffer | null> {
  const runDir = cells[0]?.runDir;
  if (!runDir) return null;
  const manifest = await readJson(join(runDir, runFiles.manifest), manifestSchema);
  if (!manifest) return null;
  const { root, images } = manifest.train;
  const truths = (await readJson(join(runDir, runFiles.masks), maskPathsSchema)) ?? {};
  const chosen = chooseSamples(images, (image) => String(image) in truths, 0, photosMax);
  const photos = await Promise.all(
    chosen.map((image) => readThumb(join(root, images[image]!.path), fitted(images[image]!)).catch(() => null)),
  );
  const truth = await Promise.all(chosen.map((image) => readMask(truths[String(image)])));
  const rows: Row[] = [
    { name: "photo", masks: chosen.map(() => null) },
    ...(truth.some((mask) => mask !== null) ? [{ name: "true mask", masks: truth }] : []),
  ];
  for (const { variant, runDir: dir } of cells) {
    const paths = chosen.map((image) => join(dir!, "masks", `${images[image]!.path.replace(/\.[^./]+$/, "")}.png`));
    rows.push({ name: variant, masks: await Promise.all(paths.map(readMask)) });
  }
  return compose(rows, photos);
}

function fitted({ width, height }: { readonly width: number; readonly height: number }) {
  const scale = Math.min(tile.width / width, tile.height / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

async function readMask(path: string | undefined): Promise<Mask | null> {
  if (path === undefined) return null;
  return readFile(path)
    .then(readMaskPng)
    .catch(() => null);
}

async function compose(rows: readonly Row[], photos: readonly (Thumb | null)[]): Promise<Buffer> {
  const pieces = rows.flatMap(({ name, masks }, row): OverlayOptions[] => [
    { input: nameSvg(name), left: 0, top: row * tile.height },
    ...masks.flatMap((mask, column): OverlayOptions[] => {
      const photo = photos[column];
      if (!photo || (row > 0 && mask === null)) return [];
      const { width, height } = photo;
      const left = nameWidth + column * tile.width + Math.floor((tile.width - width) / 2);
      const top = row * tile.height + Math.floor((tile.height - height) / 2);
      return [{ input: picture(photo, mask), raw: { width, height, channels: 3 }, left, top }];
    }),
  ]);
  const size = { width: nameWidth + photos.length * tile.width, height: rows.length * tile.height };
  return sharp({ create: { ...size, channels: 3, background: "white" } })
    .composite(pieces)
    .jpeg({ quality: 85 })
    .toBuffer();
}

function picture(photo: Thumb, mask: Mask | null): Buffer {
  if (mask === null) return Buffer.from(photo.rgb);
  return Buffer.from(overlayLabels(photo.rgb, resizeLabels(mask.labels, mask, photo), photo.width, photo.height, look));
}

function nameSvg(text: string): Buffer {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${nameWidth}" height="${tile.height}"><text x="10" y="${tile.height / 2 + 5}" font-family="sans-serif" font-size="15">${escaped}</text></svg>`,
  );
}
