/**
 * Scores a folder of predicted label maps against a folder of true ones. A mask finds its prediction by the same path
 * below the two folders, else by a file name that occurs once in each.
 */
import { readdir, readFile } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { BACKGROUND, CLASS_COUNT_MAX, IGNORE } from "../../shared/data/manifest.js";
import { looksBlackAndWhite, type Mask, readMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { countImage, type EvalCounts, emptyCounts, type Scores, scoresOf } from "../../shared/math/scores.js";

export interface EvalRequest {
  readonly onProgress?: (done: number, total: number) => void;
  readonly predictionsDir: string;
  readonly masksDir: string;
  /** Names in the order of their ids; null: "1", "2", ... up to the largest id seen. */
  readonly classes: readonly string[] | null;
}

export interface EvalReport {
  readonly scores: Scores;
  /** The same where every class that is not in the image's true mask counts as background: as if told the tags. */
  readonly gated: Scores;
  readonly classes: readonly string[];
  /** Sentences about what was left out or looks wrong. */
  readonly warnings: readonly string[];
}

interface Pair {
  readonly name: string;
  readonly predictionPath: string;
  readonly maskPath: string;
}

/** @throws AppError DATA_NOT_FOUND when nothing matches, MASK_INVALID naming the file that cannot be scored. */
export async function evalFolders(request: EvalRequest): Promise<EvalReport> {
  const predictions = await listPngs(request.predictionsDir);
  const masks = await listPngs(request.masksDir);
  const { pairs, unmatched } = matchFiles(predictions, masks);
  if (pairs.length === 0) throw nothingMatches(request, predictions, masks);
  const classCount = request.classes?.length ?? CLASS_COUNT_MAX;
  const counts = {
    free: emptyCounts(classCount, { contours: true }),
    gated: emptyCounts(classCount, { contours: true }),
  };
  let blackAndWhite = 0;
  for (const [done, pair] of pairs.entries()) {
    const truth = await countPair(counts, pair, request);
    request.onProgress?.(done + 1, pairs.length);
    if (looksBlackAndWhite(truth.labels)) blackAndWhite++;
  }
  const classes = request.classes ?? classesSeen(counts.free);
  return {
    scores: scoresOf(counts.free, classes),
    gated: scoresOf(counts.gated, classes),
    classes,
    warnings: warningsFor(unmatched, blackAndWhite),
  };
}

/** Pairs of relative paths; `unmatched` are masks without a prediction. */
export function matchFiles(predictions: readonly string[], masks: readonly string[]) {
  const predictionPaths = new Set(predictions);
  const predictionByStem = uniqueByStem(predictions);
  const maskByStem = uniqueByStem(masks);
  const pairs: Pair[] = [];
  const unmatched: string[] = [];
  for (const maskPath of masks) {
    const stem = stemOf(maskPath);
    const byStem = maskByStem.get(stem) === maskPath ? predictionByStem.get(stem) : undefined;
    const predictionPath = predictionPaths.has(maskPath) ? maskPath : byStem;
    if (predictionPath === undefined) unmatched.push(maskPath);
    else pairs.push({ name: maskPath, predictionPath, maskPath });
  }
  return { pairs, unmatched };
}

async function countPair(
  counts: { readonly free: EvalCounts; readonly gated: EvalCounts },
  pair: Pair,
  { predictionsDir, masksDir }: EvalRequest,
): Promise<Mask> {
  const predicted = await readMaskFile(join(predictionsDir, pair.predictionPath));
  const truth = await readMaskFile(join(masksDir, pair.maskPath));
  if (predicted.width !== truth.width || predicted.height !== truth.height) {
    const sizes = `prediction ${predicted.width}x${predicted.height}, mask ${truth.width}x${truth.height}`;
    throw new AppError("MASK_INVALID", `${pair.name}: sizes differ: ${sizes}`, {
      hint: "Write predictions at the size of the photos.",
    });
  }
  const { width, height } = truth;
  naming(pair.name, () => countImage(counts.free, truth.labels, predicted.labels, width, height));
  countImage(counts.gated, truth.labels, gateLabels(predicted.labels, truth.labels), width, height);
  return truth;
}

/** A class that is not in the image becomes background; 255 stays. */
function gateLabels(predicted: Uint8Array, truth: Uint8Array): Uint8Array {
  const allowed = new Set(truth).add(BACKGROUND).add(IGNORE);
  return predicted.map((label) => (allowed.has(label) ? label : BACKGROUND));
}

async function readMaskFile(path: string): Promise<Mask> {
  const bytes = await readFile(path);
  return naming(path, () => readMaskPng(bytes));
}

/** Runs `work` and puts the file's name in front of its error. */
function naming<T>(name: string, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const error = AppError.from(thrown);
    throw new AppError(error.code, `${name}: ${error.message}`, { hint: error.hint, cause: error.cause });
  }
}

async function listPngs(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true }).catch((cause: unknown) => {
    throw new AppError("DATA_NOT_FOUND", `cannot list the folder ${dir}`, { cause });
  });
  const paths = entries.map((entry) => entry.split(sep).join("/"));
  return paths.filter((path) => path.toLowerCase().endsWith(".png")).sort();
}

function stemOf(path: string): string {
  return basename(path).replace(/\.png$/i, "");
}

function uniqueByStem(paths: readonly string[]): Map<string, string> {
  const seen = new Map<string, string | null>();
  for (const path of paths) seen.set(stemOf(path), seen.has(stemOf(path)) ? null : path);
  return new Map([...seen].filter((entry): entry is [string, string] => entry[1] !== null));
}

function classesSeen(counts: EvalCounts): string[] {
  const last = counts.boundary.unions.findLastIndex((pixels) => pixels > 0);
  return Array.from({ length: Math.max(1, last) }, (_, i) => String(i + 1));
}

function warningsFor(unmatched: readonly string[], blackAndWhite: number): string[] {
  const warnings: string[] = [];
  if (unmatched.length > 0) {
    warnings.push(`${unmatched.length} masks have no prediction and were left out: ${firstOf(unmatched)}`);
  }
  if (blackAndWhite > 0) {
    warnings.push(`${blackAndWhite} masks hold only 0 and 255; 255 means "ignore": write objects as 1, 2, ...`);
  }
  return warnings;
}

function nothingMatches(request: EvalRequest, predictions: readonly string[], masks: readonly string[]): AppError {
  const found = `${predictions.length} PNGs in ${request.predictionsDir}, ${masks.length} in ${request.masksDir}`;
  const examples = [...predictions.slice(0, 1), ...masks.slice(0, 1)].join(" against ");
  return new AppError("DATA_NOT_FOUND", `no prediction matches a mask: ${found}${examples && ` (${examples})`}`, {
    hint: "Give both the same relative path or the same, unique file name, as indexed PNGs.",
  });
}

function firstOf(names: readonly string[]): string {
  return names.slice(0, 3).join(", ") + (names.length > 3 ? ", ..." : "");
}
