/** A folder of class folders as the bench sees it: <root>/{train,val}/<class>/*, true masks in <root>/masks/. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

export async function loadPhotos(root: string, imageSize: number): Promise<Photos> {
  const folders = readdirSync(join(root, "train"));
  const classes = folders.filter((name) => name !== negativeFolder).sort();
  const split = async (name: string): Promise<Photo[]> => {
    const files = [...folders].sort().flatMap((folder) => {
      const id = classes.indexOf(folder) + 1;
      const names = existsSync(join(root, name, folder)) ? readdirSync(join(root, name, folder)).sort() : [];
      return names.map((file) => ({ folder, file, tags: id > 0 ? [id] : [] }));
    });
    return Promise.all(files.map(({ folder, file, tags }) => loadPhoto(root, name, folder, file, tags, imageSize)));
  };
  return { classes, train: await split("train"), val: await split("val") };
}

async function loadPhoto(
  root: string,
  split: string,
  folder: string,
  file: string,
  tags: readonly number[],
  imageSize: number,
): Promise<Photo> {
  const bytes = readFileSync(join(root, split, folder, file));
  const { width, height } = await readPhotoHeader(bytes);
  const pixels = await decodeSquare(bytes, imageSize);
  const maskPath = join(root, "masks", split, folder, file.replace(/\.[^.]+$/, ".png"));
  const known = existsSync(maskPath) ? readMaskPng(readFileSync(maskPath)) : null;
  const mask = known ?? (tags.length === 0 ? { width, height, labels: new Uint8Array(width * height) } : null);
  return { name: `${folder}/${file}`, pixels, width, height, tags, mask };
}
