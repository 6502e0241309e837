/** The sample rows of a report: pictures of chosen training images, from the run's packs and the photos on disk. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ByteMap } from "../../shared/codec/map-pack.js";
import type { ImageEntry, Manifest } from "../../shared/data/manifest.js";
import { type Mask, readMaskPng } from "../../shared/data/mask-png.js";
import { resizeLabels } from "../../shared/data/overlay.js";
import { runFiles } from "../../shared/data/run-record.js";
import type { CloseUp, LabelColumn, Picture, SampleRow } from "../report/model.js";
import { chooseSamples } from "../report/samples.js";
import { closeUpOf, mostChanged } from "./report-closeups.js";
import { mapsIn } from "./report-packs.js";
import {
  blankThumb,
  filmOf,
  heatPicture,
  labelPicture,
  photoPicture,
  readThumb,
  type Thumb,
  thumbSize,
  truthPicture,
} from "./report-pictures.js";

/** The page stays below 6 MB: rows are added while their pictures fit. Base64 characters. */
const pictureCharsMax = 5_000_000;
const filmsMax = 8;
const closeUpsMax = 6;

export interface SampleRequest {
  readonly runDir: string;
  readonly manifest: Manifest;
  /** { [train image index]: path of its true mask }. */
  readonly masks: Readonly<Record<string, string>>;
  readonly columns: readonly LabelColumn[];
  readonly seed: number;
}

/** Rows for the images whose shard has been seeded; empty before that. */
export async function readSamples(request: SampleRequest): Promise<{ rows: SampleRow[]; closeUps: CloseUp[] }> {
  const { manifest, masks, seed } = request;
  const chosen = chooseSamples(manifest.train.images, (i) => String(i) in masks, seed);
  const maps = new MapReader(request, new Set(chosen));
  const rows: SampleRow[] = [];
  let chars = 0;
  for (const image of chosen) {
    const row = await readRow(request, maps, image);
    chars += charsOf(row);
    if (chars > pictureCharsMax) break;
    if (row.heat !== null || row.labels.some((label) => label !== null)) rows.push(row);
  }
  const filmed = rows.map((row, i) => (i < filmsMax ? row : { ...row, film: null }));
  return { rows: filmed, closeUps: await readCloseUps(request, maps, chosen) };
}

/** Of the chosen photos, those whose mask changed most in one place. */
async function readCloseUps(
  { manifest, masks, columns }: SampleRequest,
  maps: MapReader,
  chosen: readonly number[],
): Promise<CloseUp[]> {
  const [first, last] = [columns[0], columns.at(-1)];
  if (!first || !last || first === last) return [];
  const places = [];
  for (const image of chosen) {
    const [before, after] = [await maps.labels(first.version, image), await maps.labels(last.version, image)];
    if (before && after && before.data.length === after.data.length) {
      places.push({ image, before, after, at: mostChanged(before, after) });
    }
  }
  const best = places.sort((a, b) => b.at.changed - a.at.changed).slice(0, closeUpsMax);
  const made = best.map(async ({ image, before, after, at }) => {
    const truth = await readTruth(masks[String(image)]);
    return closeUpOf({ root: manifest.train.root, entry: manifest.train.images[image]!, before, after, truth }, at);
  });
  return (await Promise.all(made.map((one) => one.catch(() => null)))).filter((one) => one !== null);
}

async function readRow(
  { manifest, masks, columns }: SampleRequest,
  maps: MapReader,
  image: number,
): Promise<SampleRow> {
  const entry = manifest.train.images[image]!;
  const photo = await readPhoto(manifest.train.root, entry);
  const thumb = photo ?? blankThumb(thumbSize(entry.width, entry.height));
  const truth = await readTruth(masks[String(image)]);
  const cam = await maps.cam(image);
  const labels = await Promise.all(
    columns.map(async ({ version }) => {
      const map = await maps.labels(version, image);
      return map && labelPicture(thumb, map, truth && resizeLabels(truth.labels, truth, map));
    }),
  );
  return {
    path: entry.path,
    tags: entry.tags,
    photo: photo && (await photoPicture(photo)),
    heat: cam && cam.channels > 0 ? await heatPicture(thumb, cam) : null,
    labels,
    truth: truth && (await truthPicture(thumb, truth)),
    film: await filmOf(thumb, await Promise.all(columns.map(({ version }) => maps.labels(version, image)))),
  };
}

function readPhoto(root: string, entry: ImageEntry): Promise<Thumb | null> {
  return readThumb(join(root, entry.path), thumbSize(entry.width, entry.height)).catch(() => null);
}

async function readTruth(path: string | undefined): Promise<Mask | null> {
  if (path === undefined) return null;
  const bytes = await readFile(path).catch(() => null);
  try {
    return bytes && readMaskPng(bytes);
  } catch {
    return null;
  }
}

/** Maps of the chosen images out of the shards' packs; each pack is read once, and only those maps are kept. */
class MapReader {
  private readonly shardOf: ReadonlyMap<number, number>;
  private readonly packs = new Map<string, Promise<ReadonlyMap<number, ByteMap>>>();

  constructor(
    private readonly request: SampleRequest,
    private readonly chosen: ReadonlySet<number>,
  ) {
    const { shards } = request.manifest.train;
    this.shardOf = new Map(shards.flatMap((images, shard) => images.map((image) => [image, shard] as const)));
  }

  cam(image: number): Promise<ByteMap | null> {
    return this.find(runFiles.camPack(this.shardOf.get(image) ?? 0), image);
  }

  labels(version: number, image: number): Promise<ByteMap | null> {
    return this.find(runFiles.labelPack(version, this.shardOf.get(image) ?? 0), image);
  }

  private async find(file: string, image: number): Promise<ByteMap | null> {
    const loading = this.packs.get(file) ?? this.load(file);
    this.packs.set(file, loading);
    return (await loading).get(image) ?? null;
  }

  /** A missing or damaged pack is a pack without images: its cells say "missing". */
  private load(file: string): Promise<ReadonlyMap<number, ByteMap>> {
    return mapsIn(join(this.request.runDir, file), this.chosen);
  }
}

function charsOf(row: SampleRow): number {
  const pictures: (Picture | null)[] = [row.photo, row.heat, ...row.labels, row.truth, row.film];
  return pictures.reduce((sum, picture) => sum + (picture?.uri.length ?? 0), 0);
}
