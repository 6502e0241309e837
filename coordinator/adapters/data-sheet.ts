/** A data set to look at: a contact sheet of every class, as one PNG or as a page that needs nothing else. */
import { readFile } from "node:fs/promises";
import pLimit from "p-limit";
import sharp from "sharp";
import { photoPixelsMax } from "../../shared/limits.js";
import { Rng } from "../../shared/rng.js";
import { type LookAlikes, type PhotoName, photosOf } from "../data/findings.js";
import { summarise } from "../data/summary.js";
import { type Html, html } from "../report/html.js";
import { css } from "../report/style.js";
import type { DataScan } from "./image-index.js";

export interface SheetOptions {
  /** Photos of each class, drawn by `seed`. */
  readonly perClass: number;
  readonly seed: number;
  readonly lookAlikes: readonly LookAlikes[];
  readonly warnings: readonly string[];
}

interface Cell {
  readonly name: PhotoName;
  readonly size: string;
  /** JPEG of `cellSide` squared, the whole photo inside. */
  readonly jpeg: Buffer;
}

interface Row {
  readonly title: string;
  readonly cells: readonly Cell[];
}

const cellSide = 160;
const titleHigh = 28;
const filesAtOnce = 4;
/** Groups of copies on the page; the command names them all. */
const groupsMax = 24;

export async function sheetPage(scan: DataScan, options: SheetOptions): Promise<string> {
  const rows = await classRows(scan, options);
  const groups = await Promise.all(
    options.lookAlikes.slice(0, groupsMax).map(async ({ photos, isLeak, disagrees }, index) => {
      const title = `${index + 1}: ${isLeak ? "leak" : "copies"}${disagrees ? ", tags differ" : ""}`;
      return { title, cells: await cellsOf(scan, photos) };
    }),
  );
  return page(scan, options, rows, groups).text;
}

/** Rows of photos, a class each, its name above. */
export async function sheetPng(scan: DataScan, options: SheetOptions): Promise<Buffer> {
  const rows = await classRows(scan, options);
  const width = cellSide * Math.max(...rows.map(({ cells }) => cells.length), 2);
  const rowHigh = cellSide + titleHigh;
  const pictures = rows.flatMap(({ title, cells }, row) => [
    { input: titlePicture(title, width), left: 0, top: row * rowHigh },
    ...cells.map(({ jpeg }, column) => ({ input: jpeg, left: column * cellSide, top: row * rowHigh + titleHigh })),
  ]);
  const background = "#ffffff";
  const canvas = sharp({ create: { width, height: rows.length * rowHigh, channels: 3, background } });
  return canvas.composite(pictures).png().toBuffer();
}

async function classRows(scan: DataScan, { perClass, seed }: SheetOptions): Promise<Row[]> {
  const photos = photosOf(scan.manifest).filter(({ name }) => name.split === "train");
  const { classes } = summarise(scan.manifest);
  return Promise.all(
    classes.map(async ({ id, name, train, val }) => {
      const members = photos.filter(({ name: { tags } }) => (id === null ? tags.length === 0 : tags.includes(name)));
      // The smallest draws win: the same photos, whatever else is in the set.
      const draw = ({ name: { path } }: (typeof members)[number]) => new Rng(seed, "sheet", path).next();
      const chosen = members.sort((a, b) => draw(a) - draw(b)).slice(0, perClass);
      const title = `${name}: ${train} to train${val > 0 ? `, ${val} to validate` : ""}`;
      return {
        title,
        cells: await cellsOf(
          scan,
          chosen.map(({ name: photo }) => photo),
        ),
      };
    }),
  );
}

async function cellsOf({ manifest, imagePaths }: DataScan, names: readonly PhotoName[]): Promise<Cell[]> {
  const entries = new Map(photosOf(manifest).map(({ name, entry }) => [`${name.split}/${name.path}`, entry]));
  const limit = pLimit(filesAtOnce);
  const cells = await Promise.all(
    names.map((name) =>
      limit(async () => {
        const entry = entries.get(`${name.split}/${name.path}`);
        const path = entry && imagePaths.get(entry.digest);
        if (!entry || path === undefined) return [];
        const jpeg = await sharp(await readFile(path), { limitInputPixels: photoPixelsMax })
          .autoOrient()
          .resize(cellSide, cellSide, { fit: "contain", background: "#f2f1ec" })
          .flatten({ background: "#f2f1ec" })
          .jpeg({ quality: 80 })
          .toBuffer();
        return [{ name, size: `${entry.width}x${entry.height}`, jpeg }];
      }),
    ),
  );
  return cells.flat();
}

function titlePicture(title: string, width: number): Buffer {
  const text = html`${title}`.text;
  const font = `font-family="sans-serif" font-size="16"`;
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${titleHigh}"><text x="6" y="20" ${font}>${text}</text></svg>`,
  );
}

function page(scan: DataScan, { warnings }: SheetOptions, rows: readonly Row[], groups: readonly Row[]): Html {
  const { classes, train, val } = summarise(scan.manifest);
  const images = Math.max(1, ...classes.map((one) => one.train));
  const counts = classes.map(
    (one) => html`<tr><th>${one.name}</th><td>${one.train}</td><td>${one.val}</td>
      <td class="wide"><meter min="0" max="${images}" value="${one.train}" aria-label="${one.name}: ${one.train} photos to train"></meter></td></tr>`,
  );
  const sizes = ({ sizes: span, images: count, bytes }: typeof train) =>
    span &&
    `${count} photos, ${(bytes / 1e6).toFixed(1)} MB, ${span.smallest} to ${span.largest} (median ${span.median})`;
  return html`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${scan.manifest.train.root}</title><style>${css}
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(120px, 1fr)); gap: 10px; }
figure { margin: 0; } figure img { width: 100%; border-radius: 6px; } meter { width: 100%; }
figcaption { color: var(--soft); font-size: 0.74rem; overflow-wrap: anywhere; } td.wide { width: 50%; }</style>
<main><h1>${scan.manifest.train.root}</h1>
<p class="lede">${scan.layoutName}. Training: ${sizes(train)}.${val ? ` Validation: ${sizes(val)}.` : ""}</p>
${warnings.map((warning) => html`<p class="notice">${warning}</p>`)}
<h2>Photos of each class</h2>
<div class="scroll"><table class="words"><thead><tr><th>class</th><th>train</th><th>val</th><th></th></tr></thead><tbody>${counts}</tbody></table></div>
${rows.map(sheet)}
${groups.length > 0 && html`<h2>Photos that look the same</h2>`}
${groups.map(sheet)}
</main></html>`;
}

function sheet({ title, cells }: Row): Html {
  const figures = cells.map(
    ({
      name,
      size,
      jpeg,
    }) => html`<figure><img alt="${name.path}" src="data:image/jpeg;base64,${jpeg.toString("base64")}">
<figcaption>${name.split}/${name.path}, ${size}</figcaption></figure>`,
  );
  return html`<h2>${title}</h2><div class="sheet">${figures}</div>`;
}
