import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ByteMap, encodeMapPack } from "../../shared/codec/map-pack.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import type { EllipseRecord, RunRecord, StageRecord } from "../../shared/data/run-record.js";
import { countImage, emptyCounts, type Scores, scoresOf } from "../../shared/math/scores.js";
import { writeReport } from "./report-writer.js";

const classes = ["horse", "zebra"];
const side = 64;
const imageCount = 8;
let runDir = "";

beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), "report-"));
});
afterEach(() => rm(runDir, { recursive: true }));

/** A disc of the image's class in the middle; a negative has none. */
function disc(image: number, radius: number, width = side, height = side): Uint8Array {
  const label = image % 3;
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) / width - 0.5, Math.floor(i / width) / height - 0.5];
    return Math.hypot(x, y) < radius ? label : 0;
  });
}

function scoresAt(radius: number): Scores {
  const counts = emptyCounts(2, { contours: true });
  for (let image = 0; image < imageCount; image++)
    countImage(counts, disc(image, 0.3), disc(image, radius), side, side);
  return scoresOf(counts, classes);
}

async function put(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(join(runDir, file)), { recursive: true });
  await writeFile(join(runDir, file), content);
}

const run: RunRecord = {
  runId: "amber-fox",
  createdAt: "2026-08-04T11:20:30.000Z",
  finishedAt: "2026-08-04T11:33:02.000Z",
  state: "done",
  command: ["train", "--data", "my photos", "--local", "2"],
  seedgrowVersion: "0.1.0",
  seed: 7,
  config: { method: { imageSize: side }, note: "<script>alert(1)</script>" },
  seconds: 752,
  weightsSha256: "ab".repeat(32),
  workers: [{ id: "w1", host: "atlas", engine: "tensorflow" }],
};

function stage(name: string, version: number | null, radius: number | null, masks: boolean): StageRecord {
  const scores = radius === null || !masks ? null : scoresAt(radius);
  return {
    name,
    labels: scores,
    val: name.startsWith("round") ? scores : null,
    valGated: name.startsWith("round") ? scores : null,
    seconds: 61,
    losses: Array.from({ length: 50 }, (_, step) => [step, step === 20 ? null : 2 / (1 + step)]),
    changedShare: name.startsWith("round") ? 0.034 : null,
    labelVersion: version,
  };
}

async function putManifest(): Promise<void> {
  const images: Manifest["train"]["images"] = [];
  for (let image = 0; image < imageCount; image++) {
    const photo = sharp({
      create: { width: 90, height: 60, channels: 3, background: { r: 90, g: 120 + image, b: 60 } },
    });
    await put(`photos/${image}.jpg`, await photo.jpeg().toBuffer());
    const tags = image % 3 === 0 ? [] : [image % 3];
    images.push({
      path: `${image}.jpg`,
      digest: "0".repeat(64),
      bytes: 1,
      width: 90,
      height: 60,
      tags,
      maskDigest: null,
    });
  }
  const shards = [0, 1].map((k) => images.flatMap((_, i) => (i % 2 === k ? [i] : [])));
  await put(
    "manifest.json",
    JSON.stringify({ version: 1, classes, train: { root: join(runDir, "photos"), images, shards }, val: null }),
  );
}

async function putPacks(folder: string, mapOf: (image: number) => ByteMap): Promise<void> {
  for (const shard of [0, 1]) {
    const images = Array.from({ length: imageCount / 2 }, (_, i) => i * 2 + shard);
    await put(`${folder}/shard-00${shard}.pack`, encodeMapPack(images.map(mapOf)));
  }
}

async function putWholeRun(masks: boolean): Promise<void> {
  await put("run.json", JSON.stringify(run));
  await put(
    "stages.json",
    JSON.stringify([stage("cam", null, 0.15, masks), stage("seeds", 0, 0.2, masks), stage("round-1", 1, 0.28, masks)]),
  );
  await putManifest();
  await putPacks("cam", (image) => {
    const channels = image % 3 === 0 ? 0 : 1;
    return {
      image,
      width: 16,
      height: 16,
      channels,
      data: disc(image, 0.3, 16, 16)
        .slice(0, 256 * channels)
        .map((v) => v * 120),
    };
  });
  await putPacks("labels/v0", (image) => ({ image, width: side, height: side, channels: 1, data: disc(image, 0.2) }));
  await putPacks("labels/v1", (image) => ({ image, width: side, height: side, channels: 1, data: disc(image, 0.28) }));
  if (!masks) return;
  for (let image = 0; image < imageCount; image++)
    await put(`truth/${image}.png`, writeMaskPng(90, 60, disc(image, 0.3, 90, 60)));
  const paths = Array.from({ length: imageCount }, (_, image) => [
    String(image),
    join(runDir, "truth", `${image}.png`),
  ]);
  await put("masks.json", JSON.stringify(Object.fromEntries(paths)));
  const ellipse: EllipseRecord = { train: scoresAt(0.45), val: scoresAt(0.45) };
  await put("ellipse.json", JSON.stringify(ellipse));
}

async function page(): Promise<string> {
  return readFile(await writeReport(runDir), "utf8");
}

function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

test("a finished run with masks: scores, growth of every sample, curves, and how to reproduce it", async () => {
  await putWholeRun(true);
  const text = await page();
  expect(text).toContain("Masks for horse and zebra, grown from the tags of 8 photos");
  expect(text).toContain(scoresAt(0.28).miou!.toFixed(3));
  expect(text).toContain("Val Boundary IoU, tags given");
  expect(text).toContain(`no tags given (${scoresAt(0.28).miou!.toFixed(3)} with them)`);
  expect(text).toContain("IoU near the true contour, in bands from 1 to 32 pixels. Round 1, val:");
  // Negatives (images 0, 3, 6; at most two are shown) have no activation map.
  expect(count(text, /<tr>\n<th scope="row">/g)).toBe(7);
  const gallery = text.slice(text.indexOf('<table class="samples"'));
  expect(count(gallery.slice(0, gallery.indexOf("</table>")), /alt="Photo /g)).toBe(7);
  expect(count(text, /alt="Activation map of /g)).toBe(5);
  expect(count(text, /alt="Seeds mask of /g)).toBe(7);
  expect(count(text, /alt="Round 1 mask of /g)).toBe(7);
  expect(count(text, /alt="True mask of /g)).toBe(7);
  expect(count(text, /<svg /g)).toBe(3 + 3);
  expect(text).toContain("seedgrow train --data &#39;my photos&#39; --local 2");
  expect(text).toContain("2026-08-04 11:33 UTC");
});

test("the page stands alone: nothing is fetched, no script runs, foreign text is escaped", async () => {
  await putWholeRun(true);
  const text = await page();
  expect(text).not.toMatch(/(src|href)="(?!data:)/);
  expect(text).not.toMatch(/<script|url\(|@import|<link/);
  expect(text).toContain("&#60;script&#62;alert(1)&#60;/script&#62;");
  expect((await stat(join(runDir, "report.html"))).size).toBeLessThan(6e6);
  expect(count(text, /<img /g)).toBe(count(text, /<img [^>]*alt="[^"]+"/g));
  for (const tag of ["table", "section", "tr", "td", "th", "figure", "svg", "dl", "div"]) {
    expect([tag, count(text, new RegExp(`<${tag}[ >]`, "g"))]).toEqual([
      tag,
      count(text, new RegExp(`</${tag}>`, "g")),
    ]);
  }
});

test("the same run gives the same page", async () => {
  await putWholeRun(true);
  expect(await page()).toBe(await page());
});

test("without masks the page says so and shows growth all the same", async () => {
  await putWholeRun(false);
  const text = await page();
  expect(text).toContain("no true masks were given");
  expect(text).toContain("3.4 %");
  expect(text).not.toMatch(/True mask of|Boundary IoU<|IoU –/);
  expect(count(text, /alt="Round 1 mask of /g)).toBe(7);
});

test("a run that has just started, or has failed, is reported as such", async () => {
  await put("run.json", JSON.stringify({ ...run, state: "running", finishedAt: null, weightsSha256: null }));
  expect(await page()).toMatch(/still going.*No stage has finished yet/s);
  await put("run.json", JSON.stringify({ ...run, state: "failed" }));
  await put("stages.json", JSON.stringify([stage("cam", null, null, false)]));
  const failed = await page();
  expect(failed).toMatch(/failed before its end.*up to CAM.*seedgrow resume amber-fox/s);
  expect(failed).toContain("manifest.json is missing");
});

test("lost photos, lost packs and damaged files leave gaps, not errors", async () => {
  await putWholeRun(true);
  await rm(join(runDir, "photos/1.jpg"));
  await rm(join(runDir, "labels/v0/shard-000.pack"));
  await put("labels/v1/shard-001.pack", "garbage");
  await put("truth/2.png", "garbage");
  await put("ellipse.json", "{");
  const text = await page();
  expect(text).toContain("ellipse.json could not be read");
  expect(count(text, /class="missing">missing/g)).toBeGreaterThan(4);
});

test("a folder that is no run is an error", async () => {
  await expect(writeReport(runDir)).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
});
