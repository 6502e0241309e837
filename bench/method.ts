/**
 * Runs the whole method on a folder, without the cluster, and prints one line per stage:
 *
 *   npx tsc && node dist/bench/method.js --data DIR [--backbone DIR] [--workers 2] [--rounds N] [--seed N] [--set key=value]...
 *     [--preset demo] [--save DIR] [--start FILE] [--truth] [--model FILE] [--pictures DIR]
 *
 * Labels are scored against the true masks of tagged training images at the working size; predictions are tag-free, at
 * each validation photo's own size. Masks are read for scoring only. --save keeps the labels of each stage as one file,
 * --start takes labels of an earlier run and skips seeding: for experiments on a single round. --truth starts from the
 * true masks: with --rounds 1 the supervised bound. --model takes saved weights and predicts only.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp from "sharp";
import { runConfigSchema } from "../coordinator/config.js";
import { driftRule } from "../coordinator/metrics.js";
import { AdamW } from "../shared/aggregate/adamw.js";
import { MemoryFloats } from "../shared/aggregate/floats.js";
import { learningRateAt } from "../shared/aggregate/learning-rate.js";
import { WeightAverage } from "../shared/aggregate/weight-average.js";
import { bytesOf, sha256 } from "../shared/codec/digest.js";
import { type MethodConfig, methodConfigSchema } from "../shared/config/method.js";
import { demoMethod, scratchMethod } from "../shared/config/presets.js";
import { resolveConfig } from "../shared/config/resolve.js";
import { methodOfRound, minedRounds } from "../shared/config/rounds.js";
import { overlayLabels } from "../shared/data/overlay.js";
import { countImage, emptyCounts, scoresOf } from "../shared/math/scores.js";
import { stretchLabels } from "../shared/math/stretch.js";
import { TreeAccumulator } from "../shared/math/tree-sum.js";
import type {
  ComputeStats,
  InitialParams,
  PartialSum,
  PredictResult,
  RefineResult,
  SeedResult,
  TrainStage,
} from "../worker/compute/contract.js";
import { loadPhotos, type Photos } from "./method/photos.js";
import { BenchPool } from "./method/pool.js";

const { values: args } = parseArgs({
  options: {
    data: { type: "string" },
    backbone: { type: "string" },
    workers: { type: "string", default: "2" },
    rounds: { type: "string" },
    seed: { type: "string", default: "1" },
    set: { type: "string", multiple: true, default: [] },
    preset: { type: "string" },
    save: { type: "string" },
    start: { type: "string" },
    from: { type: "string", default: "1" },
    truth: { type: "boolean", default: false },
    model: { type: "string" },
    pictures: { type: "string" },
  },
});
if (!args.data) throw new Error("--data DIR is missing");
const base = args.preset === "demo" ? demoMethod : args.backbone ? {} : scratchMethod;
const method: MethodConfig = resolveConfig(methodConfigSchema, "SEEDGROW_BENCH", {
  env: process.env,
  sets: args.set,
  base: structuredClone(base) as Record<string, unknown>,
});
const seed = Number(args.seed);
const photos: Photos = await loadPhotos(args.data, method.imageSize);
const truths = photos.train.map(({ mask }) => {
  return mask && stretchLabels(mask.labels, mask.width, mask.height, method.imageSize, method.imageSize);
});
const pool = await BenchPool.start(Number(args.workers), {
  method,
  seed,
  data: args.data,
  backbone: args.backbone ?? null,
});
const startMs = performance.now();
const columns = ["stage", "label mIoU", "fg", "P", "R", "val mIoU", "val fg", "val BIoU", "train s", "s", "total s"];
console.log(columns.map((name) => name.padStart(11)).join(""));

function row(name: string, cells: readonly (number | string | null)[]): void {
  const texts = cells.map((cell) => (typeof cell === "number" ? cell.toFixed(4) : (cell ?? "-")).padStart(11));
  console.log(name.padStart(11) + texts.join(""));
}

function seconds(fromMs: number): string {
  return ((performance.now() - fromMs) / 1000).toFixed(1);
}

function labelScores(labels: readonly Uint8Array[]): (number | null)[] {
  const counts = emptyCounts(photos.classes.length);
  labels.forEach((map, image) => {
    const truth = truths[image];
    if (!truth || photos.train[image]!.tags.length === 0) return;
    /** Ignored pixels count as background: they must not make labels look better than they are. */
    const decided = map.map((id) => (id === 255 ? 0 : id));
    countImage(counts, truth, decided, method.imageSize, method.imageSize);
  });
  const { miou, fgMiou, precision, recall } = scoresOf(counts, photos.classes);
  return [miou, fgMiou, precision, recall];
}

async function train(stage: TrainStage): Promise<Float32Array> {
  const config = methodOfRound(method, stage.round)[stage.model];
  const { specs, values } = await pool.call<InitialParams>(0, { call: "init", stage });
  const zeros = () => new MemoryFloats(new Float32Array(values.length));
  const emaDecay = stage.model === "segmenter" ? methodOfRound(method, stage.round).segmenter.emaDecay : 0;
  const teacher = emaDecay > 0 ? new WeightAverage(zeros(), emaDecay, 0) : null;
  const optimizer = new AdamW(
    specs,
    { weightDecay: config.weightDecay },
    { steps: 0, first: zeros(), second: zeros() },
  );
  const leaves = Array.from({ length: config.microBatches }, (_, leaf) => leaf);
  const perWorker = Math.ceil(leaves.length / pool.size);
  const busy = Math.ceil(leaves.length / perWorker);
  let meanLoss = 0;
  for (let step = 0; step < config.steps; step++) {
    await pool.all({ call: "load", stage, values });
    const sums = new TreeAccumulator(config.microBatches);
    const parts = await Promise.all(
      Array.from({ length: busy }, (_, worker) => {
        const mine = leaves.slice(worker * perWorker, (worker + 1) * perWorker);
        return pool.call<PartialSum[]>(worker, { call: "gradients", stage, step, leaves: mine });
      }),
    );
    for (const { node, values: sum } of parts.flat()) sums.add(node, sum);
    const total = sums.total()!;
    const weight = total[values.length + 1]!;
    const gradient = total.subarray(0, values.length).map((g) => g / weight);
    const page = async (at: number, end: number) => gradient.subarray(at, end);
    if (!(await optimizer.step(values, page, learningRateAt(step, config)))) throw new Error("training diverged");
    await teacher?.add(values);
    meanLoss += (total[values.length]! / weight - meanLoss) / Math.min(step + 1, 20);
    if (step === 2 || step === config.steps - 1) await logStep(step, meanLoss);
  }
  await teacher?.copyInto(values);
  await pool.all({ call: "load", stage, values });
  return values;
}

async function logStep(step: number, loss: number): Promise<void> {
  const [stats] = await pool.all<ComputeStats>({ call: "stats" });
  console.log(`    step ${step}: loss ${loss.toFixed(4)}, ${stats!.tensors} tensors`);
}

async function valScores(round: string): Promise<(number | null)[]> {
  if (photos.val.length === 0) return [null, null, null];
  const counts = emptyCounts(photos.classes.length);
  const all = photos.val.map((_, image) => image);
  for (const { image, labels } of await pool.spread<PredictResult>(all, (images) => ({ call: "predict", images }))) {
    const { mask, width, height } = photos.val[image]!;
    if (mask) countImage(counts, mask.labels, labels, width, height);
    const { name, pixels } = photos.val[image]!;
    const small = stretchLabels(labels, width, height, method.imageSize, method.imageSize);
    await picture(`val-${round}`, name, pixels, small);
  }
  const { miou, fgMiou, boundaryIou } = scoresOf(counts, photos.classes);
  return [miou, fgMiou, boundaryIou];
}

async function publish(name: string, labels: readonly Uint8Array[]): Promise<void> {
  await pool.all({ call: "labels", labels });
  if (args.save) {
    mkdirSync(args.save, { recursive: true });
    writeFileSync(join(args.save, `${name}.labels`), Buffer.concat(labels));
  }
  for (const [image, map] of labels.entries()) {
    const { name: photo, pixels, tags } = photos.train[image]!;
    if (tags.length > 0) await picture(name, photo, pixels, map);
  }
}

async function picture(folder: string, name: string, pixels: Uint8Array, labels: Uint8Array): Promise<void> {
  if (!args.pictures) return;
  const directory = join(args.pictures, folder);
  mkdirSync(directory, { recursive: true });
  const size = method.imageSize;
  const drawn = overlayLabels(pixels, labels, size, size);
  const path = join(directory, `${name.replace(/\W+/g, "-")}.png`);
  await sharp(drawn, { raw: { width: size, height: size, channels: 3 } }).toFile(path);
}

async function seedStage(): Promise<Uint8Array[]> {
  const stageMs = performance.now();
  const stage: TrainStage = { model: "classifier", round: 0 };
  await train(stage);
  const trainS = seconds(stageMs);
  const all = photos.train.map((_, image) => image);
  const results = await pool.spread<SeedResult>(all, (images) => ({ call: "seeds", images }));
  results.sort((a, b) => a.image - b.image);
  const right = results.filter(({ image, scores }) => {
    return scores.every((score, k) => score > 0.5 === photos.train[image]!.tags.includes(k + 1));
  });
  row("cam", [...labelScores(results.map(({ camLabels }) => camLabels)), null, null, null, trainS, seconds(stageMs)]);
  const labels = results.map((result) => result.labels);
  const note = `tags right on ${((100 * right.length) / results.length).toFixed(1)} %`;
  row("v0", [...labelScores(labels), note]);
  await publish("v0", labels);
  return labels;
}

function savedLabels(path: string): Uint8Array[] {
  const bytes = new Uint8Array(readFileSync(path));
  const side = Math.round(Math.sqrt(bytes.length / photos.train.length));
  return photos.train.map((_, i) => {
    const map = bytes.slice(i * side ** 2, (i + 1) * side ** 2);
    return stretchLabels(map, side, side, method.imageSize, method.imageSize);
  });
}

function trueLabels(): Uint8Array[] {
  return truths.map((truth) => {
    if (!truth) throw new Error("--truth needs a mask for every training photo");
    return truth;
  });
}

if (args.model) {
  const bytes = readFileSync(args.model);
  const values = new Float32Array(new Uint8Array(bytes).buffer);
  await pool.all({ call: "load", stage: { model: "segmenter", round: 1 }, values });
  const scores = await valScores("model");
  await pool.all({ call: "labels", labels: savedLabels(args.start!) });
  const all = photos.train.map((_, image) => image);
  const stage: TrainStage = { model: "segmenter", round: 2 };
  const results = await pool.spread<RefineResult>(all, (images) => ({ call: "refine", stage, images }));
  results.sort((a, b) => a.image - b.image);
  row("model", [...labelScores(results.map(({ labels }) => labels)), ...scores, null, null, seconds(startMs)]);
  pool.stop();
  process.exit(0);
}
const given = args.truth ? trueLabels() : args.start ? savedLabels(args.start) : null;
let labels = given ?? (await seedStage());
if (given) {
  row("start", labelScores(labels));
  await pool.all({ call: "labels", labels });
}
const rounds = Number(args.rounds ?? method.rounds);
const { driftShareMax } = runConfigSchema.parse({}).rounds;
let changedBefore: number | null = null;
for (let round = Number(args.from); round <= rounds; round++) {
  const stageMs = performance.now();
  const stage: TrainStage = { model: "segmenter", round };
  const values = await train(stage);
  const trainS = seconds(stageMs);
  const scores = round <= minedRounds(method) ? [null, null, null] : await valScores(`r${round}`);
  const all = photos.train.map((_, image) => image);
  const results = await pool.spread<RefineResult>(all, (images) => ({ call: "refine", stage, images }));
  results.sort((a, b) => a.image - b.image);
  const changed = results.reduce((sum, result) => sum + result.changed, 0) / results.length;
  const drift = round > 1 && round <= minedRounds(method) ? driftRule(changed, changedBefore, driftShareMax) : null;
  changedBefore = changed;
  if (drift === null) labels = results.map((result) => result.labels);
  else console.log(`    labels refused: ${drift}`);
  row(`round ${round}`, [...labelScores(labels), ...scores, trainS, seconds(stageMs), seconds(startMs)]);
  const kept = results.filter((result) => result.kept !== null);
  console.log(
    `    changed ${(100 * changed).toFixed(2)} %, kept ${kept.length}, ${sha256(bytesOf(values)).slice(0, 12)}`,
  );
  await publish(`v${round}`, labels);
  if (args.save) writeFileSync(join(args.save, `r${round}.weights`), bytesOf(values));
}
pool.stop();
