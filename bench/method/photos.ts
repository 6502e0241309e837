/**
 * A data set as the bench sees it: <root>/{train,val}/<class>/*, or <root>/{train,val}.csv where an image has several tags;
 * true masks in <root>/masks/.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readCsv } from "../../coordinator/data/csv.js";
import { decodeSquare, readPhotoHeader } from "../../shared/data/decode.js";
import { type Mask, readMaskPng } from "../../shared/data/mask-png.js";

export interface Photo {
  readonly name: string;
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly tags: readonly number[];
  readonly mask: Mask | null;
}

export interface Photos {
  readonly classes: readonly string[];
  readonly train: readonly Photo[];
  readonly val: readonly Photo[];
}

const negativeFolder = "none";

interface Listed {
  readonly path: string;
  readonly tags: readonly string[];
}

export async function loadPhotos(root: string, imageSize: number): Promise<Photos> {
  const [train, val] = [list(root, "train"), list(root, "val")];
  const classes = [...new Set(train.flatMap(({ tags }) => tags))].sort();
  const load = (photos: readonly Listed[]) =>
    Promise.all(photos.map((photo) => loadPhoto(root, photo, classes, imageSize)));
  return { classes, train: await load(train), val: await load(val) };
}

function list(root: string, split: "train" | "val"): Listed[] {
  const csv = join(root, `${split}.csv`);
  if (existsSync(csv)) return [...readCsv(readFileSync(csv, "utf8"), split).images];
  if (!existsSync(join(root, split))) return [];
  return readdirSync(join(root, split))
    .sort()
    .flatMap((folder) => {
      const names = readdirSync(join(root, split, folder)).sort();
      return names.map((name) => ({
        path: join(split, folder, name),
        tags: folder === negativeFolder ? [] : [folder],
      }));
    });
}

async function loadPhoto(root: string, listed: Listed, classes: readonly string[], imageSize: number): Promise<Photo> {
  const bytes = readFileSync(join(root, listed.path));
  const { width, height } = await readPhotoHeader(bytes);
  const pixels = await decodeSquare(bytes, imageSize);
  const maskPath = join(root, "masks", listed.path.replace(/\.[^.]+$/, ".png"));
  const tags = listed.tags.map((tag) => classes.indexOf(tag) + 1);
  const known = existsSync(maskPath) ? readMaskPng(readFileSync(maskPath)) : null;
  const mask = known ?? (tags.length === 0 ? { width, height, labels: new Uint8Array(width * height) } : null);
  return { name: listed.path.replace(/^[^/]*\//, ""), pixels, width, height, tags, mask };
}
