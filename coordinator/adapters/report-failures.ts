/** The masks that fit worst: against the truth where it is known, else against the round before. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ByteMap } from "../../shared/codec/map-pack.js";
import { BACKGROUND, IGNORE } from "../../shared/data/label-ids.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { resizeLabels } from "../../shared/data/overlay.js";
import { runFiles } from "../../shared/data/run-record.js";
import { decimal, percent } from "../report/format.js";
import type { FailureCase, Failures, LabelColumn } from "../report/model.js";
import { mapsIn } from "./report-packs.js";
import { labelPicture, photoPicture, readThumb, type Thumb, thumbSize, truthPicture } from "./report-pictures.js";

const casesShown = 8;
/** Masks read to find them; a second or two. */
const lookedMax = 300;

export interface FailureRequest {
  readonly runDir: string;
  readonly manifest: Manifest;
  /** { [train image index]: path of its true mask }. */
  readonly masks: Readonly<Record<string, string>>;
  readonly columns: readonly LabelColumn[];
}

interface Candidate {
  readonly image: number;
  /** Lower is worse. */
  readonly fit: number;
}

export async function readFailures(request: FailureRequest): Promise<Failures | null> {
  const { manifest, masks, columns } = request;
  const last = columns.at(-1);
  const before = columns.at(-2);
  const kind = Object.keys(masks).length > 0 ? "truth" : "change";
  if (!last || (kind === "change" && !before)) return null;
  const all = manifest.train.images.flatMap(({ tags }, image) => {
    return tags.length > 0 && (kind === "change" || String(image) in masks) ? [image] : [];
  });
  const wanted = evenly(all, lookedMax);
  const now = await mapsOf(request, last.version, wanted);
  const then = kind === "change" ? await mapsOf(request, before!.version, wanted) : new Map<number, ByteMap>();
  const candidates: Candidate[] = [];
  for (const image of wanted) {
    const map = now.get(image);
    const other = kind === "truth" ? await truthOf(masks[String(image)]!, map) : then.get(image)?.data;
    if (map && other)
      candidates.push({ image, fit: kind === "truth" ? iou(other, map.data) : sameShare(other, map.data) });
  }
  const worst = candidates.sort((a, b) => a.fit - b.fit || a.image - b.image).slice(0, casesShown);
  const cases: FailureCase[] = [];
  for (const candidate of worst) {
    const made = await caseOf(request, kind, candidate, { last, before, now, then }).catch(() => null);
    if (made) cases.push(made);
  }
  return { kind, cases, looked: wanted.length, of: all.length };
}

function evenly(values: readonly number[], count: number): number[] {
  if (values.length <= count) return [...values];
  return Array.from({ length: count }, (_, i) => values[Math.floor((i * values.length) / count)]!);
}

async function mapsOf({ runDir, manifest }: FailureRequest, version: number, wanted: readonly number[]) {
  const chosen = new Set(wanted);
  const maps = new Map<number, ByteMap>();
  for (const shard of manifest.train.shards.keys()) {
    const found = await mapsIn(join(runDir, runFiles.labelPack(version, shard)), chosen);
    for (const [image, map] of found) maps.set(image, map);
  }
  return maps;
}

async function truthOf(path: string, grid: ByteMap | undefined): Promise<Uint8Array | null> {
  const bytes = await readFile(path).catch(() => null);
  if (!bytes || !grid) return null;
  try {
    const mask = readMaskPng(bytes);
    return resizeLabels(mask.labels, mask, grid);
  } catch {
    return null;
  }
}

/** Mean over the classes that occur in either; background and ignored pixels left out. */
export function iou(truth: Uint8Array, labels: Uint8Array): number {
  const both = new Uint32Array(256);
  const either = new Uint32Array(256);
  for (let i = 0; i < truth.length; i++) {
    if (truth[i] === IGNORE) continue;
    if (truth[i] === labels[i]) both[truth[i]!]!++;
    else either[truth[i]!]!++;
    either[labels[i]!]!++;
  }
  const shares = [...either.keys()].flatMap((id) => {
    return id === BACKGROUND || id === IGNORE || either[id] === 0 ? [] : [both[id]! / either[id]!];
  });
  return shares.length === 0 ? 1 : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function sameShare(a: Uint8Array, b: Uint8Array): number {
  let same = 0;
  for (let i = 0; i < a.length; i++) if (a[i] === b[i]) same++;
  return same / a.length;
}

interface Shown {
  readonly last: LabelColumn;
  readonly before: LabelColumn | undefined;
  readonly now: ReadonlyMap<number, ByteMap>;
  readonly then: ReadonlyMap<number, ByteMap>;
}

async function caseOf(
  { manifest, masks }: FailureRequest,
  kind: Failures["kind"],
  { image, fit }: Candidate,
  { last, before, now, then }: Shown,
): Promise<FailureCase> {
  const entry = manifest.train.images[image]!;
  const thumb: Thumb = await readThumb(join(manifest.train.root, entry.path), thumbSize(entry.width, entry.height));
  const own = await labelPicture(thumb, now.get(image)!, null);
  const photo = { title: "Photo", picture: await photoPicture(thumb) };
  const mask = { title: last.title, picture: own };
  const { path, tags } = entry;
  if (kind === "truth") {
    const truth = readMaskPng(await readFile(masks[String(image)]!));
    const pictures = [photo, mask, { title: "Truth", picture: await truthPicture(thumb, truth) }];
    return { path, tags, score: `IoU ${decimal(fit)}`, pictures };
  }
  const old = { title: before!.title, picture: await labelPicture(thumb, then.get(image)!, null) };
  return { path, tags, score: `${percent(1 - fit)} changed`, pictures: [photo, old, mask] };
}
