import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readMaskPng, writeMaskPng } from "../../shared/data/mask-png.js";
import type { RunRecord } from "../../shared/data/run-record.js";
import { cocoMask, expandCounts } from "../export/rle.js";
import { sourceOfFolder, sourceOfRun } from "./export-source.js";
import { type ExportFormat, type ExportRequest, writeExport } from "./export-writer.js";

const classes = ["horse", "zebra"];
/** 4 x 3: a zebra of two pixels, one horse pixel. */
const labels = Uint8Array.from([0, 0, 0, 0, 0, 2, 2, 0, 1, 0, 0, 255]);
let dir = "";

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "export-"));
});
afterEach(() => rm(dir, { recursive: true }));

async function put(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(dir, file)), { recursive: true });
  await writeFile(join(dir, file), content);
}

async function putMasks(folder: string): Promise<void> {
  await put(`${folder}/both/a.png`, writeMaskPng(4, 3, labels));
  await put(`${folder}/none/b.png`, writeMaskPng(2, 2, new Uint8Array(4)));
}

async function exported(format: ExportFormat, change: Partial<ExportRequest> = {}) {
  const source = await sourceOfFolder({ dir: join(dir, "masks"), classes, photosDir: null });
  const defaults = {
    source,
    format,
    outDir: join(dir, "out"),
    shape: "polygon",
    simplifyPixels: 0,
    areaMin: 1,
  } as const;
  return writeExport({ ...defaults, withPhotos: false, onProgress: () => undefined, ...change });
}

test("COCO: every mask an image, every component an annotation, and the runs decode to the mask", async () => {
  await putMasks("masks");
  const result = await exported("coco", { shape: "rle-compressed" });
  expect(result).toEqual({ images: 2, objects: 2, path: join(dir, "out", "annotations.json") });
  const file = JSON.parse(await readFile(result.path, "utf8"));
  expect(file.images).toEqual([
    { id: 1, file_name: "both/a.png", width: 4, height: 3 },
    { id: 2, file_name: "none/b.png", width: 2, height: 2 },
  ]);
  expect(file.categories.map(({ name }: { name: string }) => name)).toEqual(classes);
  const zebra = file.annotations.find((annotation: { category_id: number }) => annotation.category_id === 2);
  expect(zebra).toMatchObject({ image_id: 1, area: 2, bbox: [1, 1, 2, 1] });
  expect([...cocoMask(expandCounts(zebra.segmentation.counts), 4, 3)]).toEqual([0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]);
  expect(await readdir(join(dir, "out"))).toEqual(["annotations.json"]);
});

test("YOLO: a label file per photo, empty for a negative", async () => {
  await putMasks("masks");
  await exported("yolo");
  expect((await readFile(join(dir, "out/labels/both/a.txt"), "utf8")).split("\n")).toHaveLength(3);
  expect(await readFile(join(dir, "out/labels/none/b.txt"), "utf8")).toBe("");
  expect(await readFile(join(dir, "out/data.yaml"), "utf8")).toContain('0: "horse"');
});

test("CVAT: one document for all photos", async () => {
  await putMasks("masks");
  const { objects, path } = await exported("cvat");
  const text = await readFile(path, "utf8");
  expect(objects).toBe(2);
  expect(text.match(/<image /g)).toHaveLength(2);
  expect(text.endsWith("</annotations>\n")).toBe(true);
});

test("PNG: the same labels, ignored pixels too, and the palette by name", async () => {
  await putMasks("masks");
  await exported("png");
  expect(readMaskPng(await readFile(join(dir, "out/masks/both/a.png"))).labels).toEqual(labels);
  expect(await readFile(join(dir, "out/labelmap.txt"), "utf8")).toContain("\nhorse:128,0,0::\nzebra:0,128,0::\n");
});

test("photos give the images their names and travel along", async () => {
  await putMasks("masks");
  await put("photos/both/a.jpg", "a");
  await put("photos/none/b.webp", "b");
  const source = await sourceOfFolder({ dir: join(dir, "masks"), classes, photosDir: join(dir, "photos") });
  const { path } = await exported("coco", { source, withPhotos: true });
  expect(JSON.parse(await readFile(path, "utf8")).images[1].file_name).toBe("none/b.webp");
  expect(await readFile(join(dir, "out/images/none/b.webp"), "utf8")).toBe("b");
  await rm(join(dir, "photos/none/b.webp"));
  const incomplete = sourceOfFolder({ dir: join(dir, "masks"), classes, photosDir: join(dir, "photos") });
  await expect(incomplete).rejects.toThrow("none/b.png");
});

test("a mask that cannot be exported is named, and no half-written file stays", async () => {
  await putMasks("masks");
  await put("masks/z.png", writeMaskPng(1, 1, Uint8Array.of(7)));
  await expect(exported("coco")).rejects.toThrow(/z\.png holds class 7, and there are 2 classes/);
  expect(await readdir(join(dir, "out"))).toEqual([]);
  await put("masks/z.png", "no PNG");
  await expect(exported("cvat")).rejects.toThrow(/z\.png: the mask is not a PNG file/);
});

test("a run's masks carry the names of its photos; without masks it is said why", async () => {
  const record: RunRecord = {
    ...{ runId: "amber-fox", createdAt: "2026-08-04T11:20:30.000Z", finishedAt: null, state: "running" },
    ...{ command: [], seedgrowVersion: "0.1.0", seed: 7, config: {}, seconds: 0, weightsSha256: null, workers: [] },
  };
  const image = { digest: "0".repeat(64), bytes: 1, width: 4, height: 3, tags: [1], maskDigest: null };
  const train = { root: "/photos", images: [{ ...image, path: "both/a.jpg" }], shards: [[0]] };
  await put("run/run.json", JSON.stringify(record));
  await put("run/manifest.json", JSON.stringify({ version: 1, classes, train, val: null }));
  await expect(sourceOfRun(join(dir, "run"))).rejects.toThrow("no masks yet");
  await putMasks("run/masks");
  const source = await sourceOfRun(join(dir, "run"));
  expect(source).toMatchObject({ name: "amber-fox", classes, photosDir: "/photos" });
  expect(source.entries.map(({ photo }) => photo)).toEqual(["both/a.jpg"]);
});
