/** A small run folder as a training leaves it half-way, without any training: for what reads runs. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { type ByteMap, encodeMapPack } from "../../shared/codec/map-pack.js";
import type { Manifest } from "../../shared/data/manifest.js";
import type { RunRecord, StageRecord } from "../../shared/data/run-record.js";

export const fakeClasses = ["horse", "<zebra>"];
/** Side of its label maps, pixels. */
export const fakeSide = 8;

export async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

export function fakeEvent(kind: string, fields: object = {}): string {
  return `${JSON.stringify({ at: "2026-08-04T11:20:31.000Z", runId: "fox", kind, ...fields })}\n`;
}

/**
 * Below `dir`: runs/fox, photos/ (of the first 20 images), and secret.jpg, which is nobody's business. Image 0 has no
 * tag; image 1's labels differ in half of the pixels between v0 and v1.
 */
export async function putFakeRun(dir: string, images: number): Promise<void> {
  const run = join(dir, "runs", "fox");
  const record: RunRecord = {
    ...{ runId: "fox", createdAt: "2026-08-04T11:20:30.000Z", finishedAt: null, state: "running", command: [] },
    ...{ seedgrowVersion: "0.1.0", seed: 7, config: {}, seconds: 0, weightsSha256: null, workers: [] },
  };
  await putPhotos(dir, Math.min(images, 20));
  await put(join(run, "run.json"), JSON.stringify(record));
  await put(join(run, "manifest.json"), JSON.stringify(manifestOf(join(dir, "photos"), images)));
  await put(join(run, "stages.json"), JSON.stringify([stage("cam", null), stage("seeds", 0), stage("round-1", 1)]));
  const started = fakeEvent("phase-started", { phase: "classify", title: "classifier" });
  await put(join(run, "events.jsonl"), `${started}${fakeEvent("worker-joined", { workerId: "w1" })}{"torn`);
  await put(
    join(run, "cam", "shard-000.pack"),
    packOf(images, () => 90),
  );
  await put(
    join(run, "labels", "v0", "shard-000.pack"),
    packOf(images, () => 0),
  );
  const half = (image: number, pixel: number) => (image === 1 && pixel % 2 === 0 ? 1 : 0);
  await put(join(run, "labels", "v1", "shard-000.pack"), packOf(images, half));
}

async function putPhotos(dir: string, count: number): Promise<void> {
  const photo = await sharp({ create: { width: 40, height: 30, channels: 3, background: "olive" } })
    .jpeg()
    .toBuffer();
  for (let image = 0; image < count; image++) await put(join(dir, "photos", `${image}.jpg`), photo);
  await put(join(dir, "secret.jpg"), photo);
}

function manifestOf(root: string, count: number): Manifest {
  const indices = Array.from({ length: count }, (_, image) => image);
  const entry = { digest: "0".repeat(64), bytes: 1, width: 40, height: 30, maskDigest: null };
  const images = indices.map((image) => ({ ...entry, path: `${image}.jpg`, tags: image === 0 ? [] : [1] }));
  return { version: 1, classes: fakeClasses, train: { root, images, shards: [indices] }, val: null };
}

function stage(name: string, labelVersion: number | null): StageRecord {
  const losses: StageRecord["losses"] = [
    [0, 1],
    [1, 0.5],
  ];
  const scores = { labels: null, val: null, valGated: null };
  return { name, ...scores, seconds: 1, losses, changedShare: null, labelVersion };
}

function packOf(images: number, labelOf: (image: number, pixel: number) => number): Uint8Array {
  const maps = Array.from({ length: images }, (_, image): ByteMap => {
    const data = Uint8Array.from({ length: fakeSide * fakeSide }, (__, pixel) => labelOf(image, pixel));
    return { image, width: fakeSide, height: fakeSide, channels: 1, data };
  });
  return encodeMapPack(maps);
}
