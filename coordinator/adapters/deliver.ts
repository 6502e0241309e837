/** What a finished run leaves for its user: a mask per training photo, and the model. */
import { join } from "node:path";
import { decodeMapPack } from "../../shared/codec/map-pack.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { runFiles } from "../../shared/data/run-record.js";
import { type SavedModel, savedModelFile } from "../../shared/data/saved-model.js";
import { stretchLabels } from "../../shared/math/stretch.js";
import { seedgrowVersion } from "../../shared/version.js";
import type { RunConfig } from "../config.js";
import type { Progress } from "../progress.js";
import type { BackboneBytes } from "./backbone-files.js";
import { writeFileDurably, writeJson } from "./files.js";
import type { RunStore } from "./run-store.js";

/** Palette PNGs of the photos' own sizes under masks/, by the photos' relative paths. Returns how many. */
export async function deliverMasks(store: RunStore, manifest: Manifest, progress: Progress): Promise<number> {
  const { labels } = progress;
  if (!labels) return 0;
  let count = 0;
  for (const [shard, digest] of labels.packs.entries()) {
    const pack = await store.readBlob(runFiles.labelPack(labels.version, shard), digest);
    for (const { image, width, height, data } of decodeMapPack(pack)) {
      const entry = manifest.train.images[image]!;
      const full = stretchLabels(data, width, height, entry.width, entry.height);
      const path = store.path("masks", `${entry.path.replace(/\.[^./]+$/, "")}.png`);
      await writeFileDurably(path, writeMaskPng(entry.width, entry.height, full));
      count++;
    }
  }
  return count;
}

export async function deliverModel(
  store: RunStore,
  run: { readonly runId: string; readonly config: RunConfig; readonly classes: readonly string[] },
  progress: Progress,
  backbone: BackboneBytes | null,
): Promise<void> {
  const { segmenter } = progress;
  if (!segmenter) return;
  const dir = store.path("model");
  const { values } = await store.readCheckpoint(segmenter.digest);
  await writeFileDurably(join(dir, "params.f32"), values);
  if (backbone) {
    await writeFileDurably(join(dir, "backbone", "model.json"), backbone.modelJson);
    await writeFileDurably(join(dir, "backbone", "weights.bin"), backbone.weights);
    if (backbone.sidecar) await writeFileDurably(join(dir, "backbone", "seedgrow.json"), backbone.sidecar);
  }
  const model: SavedModel = {
    version: 1,
    seedgrowVersion,
    runId: run.runId,
    seed: run.config.seed,
    classes: [...run.classes],
    method: run.config.method,
    round: segmenter.round,
    params: { file: "params.f32", digest: segmenter.digest },
    backbone: backbone && {
      modelJson: "backbone/model.json",
      weights: "backbone/weights.bin",
      sidecar: backbone.sidecar ? "backbone/seedgrow.json" : null,
    },
  };
  await writeJson(join(dir, savedModelFile), model);
}
