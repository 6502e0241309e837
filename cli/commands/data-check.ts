/** `seedgrow data check`: whether it would train, what is wrong by name, and what a person should look at first. */
import { join } from "node:path";
import Table from "cli-table3";
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import type { DataScan } from "../../coordinator/adapters/image-index.js";
import { runConfigSchema } from "../../coordinator/config.js";
import { type DoubtfulTag, doubtfulTags, type LookAlikes, type PhotoName } from "../../coordinator/data/findings.js";
import { describeProblem, isBroken } from "../../coordinator/data/problems.js";
import { type DataSummary, type SplitSummary, summarise } from "../../coordinator/data/summary.js";
import { AppError } from "../../shared/errors.js";
import { startBar } from "../bar.js";
import { defaultRunsDir, nameList, wholeNumber } from "../options.js";
import { out, outJson } from "../output.js";

interface CheckFlags {
  readonly data: string;
  readonly val?: string;
  readonly masks?: string;
  readonly classes?: string[];
  readonly brokenShareMax: number;
  readonly shardImages: number;
  readonly run?: string;
  readonly runs: string;
  readonly json?: boolean;
}

export function checkCommand(): Command {
  const { brokenShareMax, shardImages } = runConfigSchema.parse({}).data;
  return new Command("check")
    .description("read every image and mask, and say what would be trained on and what is wrong, by name")
    .requiredOption(
      "--data <path>",
      "class folders, a folder with train/ and val/ (or train.csv), trainA/ and trainB/, or a .csv of tags",
    )
    .option("--val <path>", "validation images, laid out like --data")
    .option("--masks <dir>", "true masks (PNG), for measuring only")
    .option("--classes <names>", "class names in the order of their ids, separated by commas", nameList)
    .option("--broken-share-max <share>", "broken images tolerated, as a share of all", shareOf, brokenShareMax)
    .option("--shard-images <n>", "images per shard", wholeNumber(1, 1000), shardImages)
    .option("--run <run>", 'also name tags that this run\'s classifier did not see (id, folder, "latest")')
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data check --data photos/train --val photos/val --masks photos/masks
  $ seedgrow data check --data horse2zebra --classes horse,zebra
  $ seedgrow data check --data photos/train --run latest       tags the classifier does not see
  $ seedgrow data check --data tags.csv --json | jq '.lookAlikes[] | select(.isLeak)'

Looks the same: by a fingerprint that survives scaling and recompression. One photo that trains and one that validates are a
leak; two tags for one picture are a mistake in one of them. Neither stops a training.

Exit code 0: it would train. 3: it would not, and why.`,
    )
    .action(runCheck);
}

async function runCheck(flags: CheckFlags): Promise<void> {
  const { scanData } = await import("../../coordinator/adapters/image-index.js");
  const bar = startBar("reading");
  const scan = await scanData({
    dataPath: flags.data,
    valPath: flags.val,
    masksPath: flags.masks,
    classes: flags.classes,
    brokenShareMax: flags.brokenShareMax,
    shardImages: flags.shardImages,
    onProgress: bar.update,
  }).finally(bar.stop);
  const advice = await adviceOn(scan, flags);
  if (flags.json) outJson({ ...checkResult(scan), ...advice });
  else printCheck(scan, advice);
  // The names are printed above; the error repeats only the reason.
  if (scan.verdict) throw new AppError(scan.verdict.code, reasonOf(scan.verdict), { hint: scan.verdict.hint });
}

interface Advice {
  readonly warnings: readonly string[];
  readonly lookAlikes: readonly LookAlikes[];
  /** Null without --run. */
  readonly doubtfulTags: readonly DoubtfulTag[] | null;
}

async function adviceOn(scan: DataScan, flags: CheckFlags): Promise<Advice> {
  const { balanceWarnings, findLookAlikes, photosOf } = await import("../../coordinator/data/findings.js");
  const { fingerprintFiles } = await import("../../coordinator/adapters/look-alikes.js");
  const { manifest, imagePaths } = scan;
  const bar = startBar("comparing");
  const paths = photosOf(manifest).map(({ entry }) => imagePaths.get(entry.digest));
  const fingerprints = await fingerprintFiles(paths, bar.update).finally(bar.stop);
  const { imageSize } = runConfigSchema.parse({}).method;
  return {
    warnings: scan.verdict ? [] : balanceWarnings(manifest, imageSize),
    lookAlikes: findLookAlikes(manifest, fingerprints),
    doubtfulTags: flags.run === undefined ? null : await doubtsOf(scan, flags.runs, flags.run),
  };
}

/** What the run noted when it made its seeds. Its classifier learnt from the same tags: it sees the coarse mistakes. */
async function doubtsOf(scan: DataScan, runsDir: string, run: string): Promise<DoubtfulTag[]> {
  const { findRun, RunStore } = await import("../../coordinator/adapters/run-store.js");
  const { diskEvents } = await import("../watch/disk-events.js");
  const dir = await findRun(runsDir, run);
  const { classes } = (await new RunStore(dir).readManifest()).manifest;
  const seen: { path: string; scores: number[] }[] = [];
  for await (const { kind, path, scores } of diskEvents(dir, AbortSignal.timeout(eventsTimeoutMs))) {
    if (kind === "tag-doubtful") seen.push({ path: String(path), scores: scores as number[] });
  }
  return doubtfulTags(scan.manifest, classes, seen);
}

/** A run that goes on has no end: what it has noted so far is read in this time. */
const eventsTimeoutMs = 3_000;

function reasonOf(verdict: AppError): string {
  return verdict.message.split("\n")[0]!.replace(/:$/, "");
}

function checkResult(scan: DataScan) {
  return {
    wouldTrain: scan.verdict === null,
    reason: scan.verdict && { code: scan.verdict.code, message: reasonOf(scan.verdict), hint: scan.verdict.hint },
    layout: scan.layoutName,
    ...summarise(scan.manifest),
    masksUnused: scan.masksUnused,
    problems: scan.problems,
  };
}

function printCheck(scan: DataScan, advice: Advice): void {
  const summary = summarise(scan.manifest);
  out(`${pc.bold(scan.manifest.train.root)}  ${scan.layoutName}`);
  out(classTable(summary));
  for (const [name, split] of [
    ["train", summary.train],
    ["val", summary.val],
  ] as const) {
    if (split) out(`${name.padEnd(6)}${describeSplit(split, scan.masksRoot !== null)}`);
  }
  if (scan.masksUnused > 0) out(`masks  ${scan.masksUnused} match no image`);
  const broken = scan.problems.filter(isBroken).length;
  out(`problems: ${scan.problems.length}; broken images, left out: ${broken}`);
  for (const problem of scan.problems) out(`  ${describeProblem(problem)}`);
  printAdvice(advice);
  if (scan.verdict === null) out(pc.green("it would train"));
}

function printAdvice({ warnings, lookAlikes, doubtfulTags: doubts }: Advice): void {
  for (const warning of warnings) out(pc.yellow(`look: ${warning}`));
  const leaks = lookAlikes.filter(({ isLeak }) => isLeak).length;
  out(`photos that look the same: ${lookAlikes.length} groups; between training and validation: ${leaks}`);
  for (const { photos, isLeak, disagrees } of lookAlikes) {
    const what = [isLeak ? "leak" : "copies", ...(disagrees ? ["tags differ"] : [])].join(", ");
    out(pc.yellow(`  ${what}: ${photos.map(photoText).join("  ")}`));
  }
  if (doubts === null) return;
  out(`tags that the classifier did not see: ${doubts.length}`);
  for (const { path, tags, scores } of doubts) {
    const told = Object.entries(scores).map(([name, score]) => `${name} ${score.toFixed(2)}`);
    out(pc.yellow(`  ${path}: tagged ${tags.join(", ")}; it scores ${told.join(", ")}`));
  }
}

function photoText({ split, path, tags }: PhotoName): string {
  return `${join(split, path)} (${tags.join(", ") || "none"})`;
}

function classTable({ classes, train: { images } }: DataSummary): string {
  const table = new Table({
    head: ["id", "class", "train", "share", "val"],
    colAligns: ["right", "left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { id, name, train, val } of classes) {
    table.push([id ?? "-", name, train, `${((train / Math.max(1, images)) * 100).toFixed(0)} %`, val]);
  }
  return table.toString();
}

function describeSplit({ images, bytes, masks, shards, sizes }: SplitSummary, hasMasks: boolean): string {
  const megabytes = (bytes / 1e6).toFixed(1);
  const span = sizes ? `, ${sizes.smallest} to ${sizes.largest} (median ${sizes.median})` : "";
  return `${images} images, ${megabytes} MB${span}, ${shards} shards${hasMasks ? `, ${masks} masks` : ""}`;
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 1.");
}
