// Draws the pictures of docs/METHOD.md from a run on synthetic photos (npm run build first):
//   seedgrow data synth --out savanna --train 60 --val 0 --size 240x180 --seed 11
//   seedgrow train --data savanna --quick
//   node scripts/method-pictures.mjs RUN savanna/masks
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

const [run, masksDir] = process.argv.slice(2);
const dist = (path) => import(`../dist/${path}.js`);
const { decodeMapPack } = await dist("shared/codec/map-pack");
const { readMaskPng } = await dist("shared/data/mask-png");
const { overlayHeat, overlayLabels, resizeLabels } = await dist("shared/data/overlay");
const { affinityOf, pamr } = await dist("worker/segmentation/pamr");
const { otsu } = await dist("worker/segmentation/threshold");
const { felzenszwalb } = await dist("worker/segmentation/superpixels/felzenszwalb");
const { slic } = await dist("worker/segmentation/superpixels/slic");
const { edgeMap } = await dist("worker/segmentation/superpixels/superpixels");

/** Pixels of a picture in the sheet, and of the grid that masks are refined on. */
const [width, height, grid, gap] = [176, 132, 128, 6];
const manifest = JSON.parse(readFileSync(join(run, "manifest.json"), "utf8"));

function mapsOf(folder) {
  const maps = manifest.train.shards.flatMap((_, shard) => {
    const path = join(run, folder, `shard-${String(shard).padStart(3, "0")}.pack`);
    return existsSync(path) ? decodeMapPack(readFileSync(path)) : [];
  });
  return new Map(maps.map((map) => [map.image, map]));
}

const resized = async (data, from, channels, to) => {
  const raw = { width: from.width, height: from.height, channels };
  const picture = sharp(data, { raw }).resize(to.width, to.height, { fit: "fill", kernel: "cubic" });
  return new Uint8Array(await (channels === 1 ? picture.extractChannel(0) : picture).raw().toBuffer());
};

async function photoOf(image, size) {
  const path = join(manifest.train.root, manifest.train.images[image].path);
  return new Uint8Array(await sharp(path).resize(size.width, size.height, { fit: "fill" }).raw().toBuffer());
}

async function sheet(rows, path) {
  const columns = rows[0].length;
  const size = { width: columns * (width + gap) - gap, height: rows.length * (height + gap) - gap };
  const cells = rows.flatMap((row, y) =>
    row.map((rgb, x) => ({
      input: Buffer.from(rgb),
      raw: { width, height, channels: 3 },
      left: x * (width + gap),
      top: y * (height + gap),
    })),
  );
  const canvas = sharp({ create: { ...size, channels: 3, background: "#ffffff" } });
  await canvas.composite(cells).jpeg({ quality: 82, mozjpeg: true }).toFile(path);
  process.stdout.write(`${path}\n`);
}

const cams = mapsOf("cam");
const versions = [];
for (let version = 0; existsSync(join(run, `labels/v${version}`)); version++)
  versions.push(mapsOf(`labels/v${version}`));
const show = { width, height };
const gridSize = { width: grid, height: grid };
const labelled = (photo, labels, from) => overlayLabels(photo, resizeLabels(labels, from, show), width, height, {});
/** The first horse and zebra, and one more horse: no picking. */
const of = (tag) => manifest.train.images.flatMap(({ tags }, image) => (tags.join() === String(tag) ? [image] : []));
const chosen = [of(1)[0], of(2)[0], of(1)[1]];

const seedRows = [];
const roundRows = [];
const cutRows = [];
for (const image of chosen) {
  const [id] = manifest.train.images[image].tags;
  const photo = await photoOf(image, show);
  const small = await photoOf(image, gridSize);
  const cam = cams.get(image);
  const channel = Uint8Array.from({ length: cam.width * cam.height }, (_, i) => cam.data[i * cam.channels]);
  const heat = await resized(channel, cam, 1, gridSize);
  const refined = pamr(
    Float32Array.from(heat, (v) => v / 255),
    1,
    affinityOf(Float32Array.from(small), grid, [1, 2, 4, 8, 12, 24]),
    10,
  );
  const highest = Math.max(...refined);
  const scaled = refined.map((v) => v / highest);
  const asBytes = Uint8Array.from(scaled, (v) => v * 255);
  const cut = (values, at) => Uint8Array.from(values, (v) => (v >= at ? id : 0));
  seedRows.push([
    photo,
    overlayHeat(photo, await resized(heat, gridSize, 1, show)),
    labelled(photo, cut(heat, 0.4 * 255), gridSize),
    overlayHeat(photo, await resized(asBytes, gridSize, 1, show)),
    labelled(photo, cut(scaled, otsu(scaled)), gridSize),
  ]);
  const truth = readMaskPng(
    readFileSync(join(masksDir, "train", manifest.train.images[image].path.replace(/\.\w+$/, ".png"))),
  );
  roundRows.push([
    ...versions.map((maps) => labelled(photo, maps.get(image).data, maps.get(image))),
    labelled(photo, truth.labels, truth),
  ]);
  const edged = (superpixels) => {
    const edges = edgeMap(superpixels, 0);
    return photo.map((value, i) => (edges[Math.floor(i / 3)] ? 255 : value));
  };
  cutRows.push([
    photo,
    edged(felzenszwalb(photo, width, height, { sigma: 0.5, k: 60, minSize: 8 })),
    edged(slic(photo, width, height, { count: 200, compactness: 20 })),
  ]);
}
await sheet(seedRows, "docs/images/method-seeds.jpg");
await sheet(roundRows, "docs/images/method-rounds.jpg");
await sheet(cutRows, "docs/images/method-superpixels.jpg");
