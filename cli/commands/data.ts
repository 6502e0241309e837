/** `seedgrow data`: draws a practice data set, and checks a real one before hours are spent on it. */
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import { Command, InvalidArgumentError, Option } from "commander";
import pc from "picocolors";
import type { DataScan } from "../../coordinator/adapters/image-index.js";
import { runConfigSchema } from "../../coordinator/config.js";
import { describeProblem, isBroken } from "../../coordinator/data/problems.js";
import { type DataSummary, type SplitSummary, summarise } from "../../coordinator/data/summary.js";
import { type SceneStyle, sceneStyles } from "../../coordinator/synth/plan.js";
import { sceneAspectMax, sceneSideMax, sceneSideMin } from "../../coordinator/synth/scene.js";
import { AppError } from "../../shared/errors.js";
import { out, outJson } from "../output.js";

/** A synthetic set beyond this is a typing mistake. */
const synthImagesMax = 100_000;

export function dataCommand(): Command {
  return new Command("data")
    .description("check a data set, or draw a synthetic one with exact masks")
    .addCommand(synthCommand())
    .addCommand(checkCommand());
}

interface SynthFlags {
  readonly out: string;
  readonly seed: number;
  readonly scenes: SceneStyle;
  readonly train: number;
  readonly val: number;
  readonly size: { width: number; height: number };
  readonly json?: boolean;
}

function synthCommand(): Command {
  return new Command("synth")
    .description("draw horses, zebras and empty savannas, with exact masks; the same seed gives the same files")
    .requiredOption("--out <dir>", "folder to write; must be new or empty")
    .option("--seed <n>", "seed of everything drawn", integerIn(0, 2 ** 31 - 1), 0)
    .addOption(scenesOption())
    .option("--train <n>", "training images", integerIn(1, synthImagesMax), 160)
    .option("--val <n>", "validation images", integerIn(0, synthImagesMax), 40)
    .addOption(sizeOption())
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data synth --out savanna
  $ seedgrow data synth --out big --seed 7 --train 800 --val 200 --size 256x192
  $ seedgrow data synth --out herd --scenes herd --train 240 --val 80 --size 320x240
  $ seedgrow train --data savanna --local 2

single: one kind of animal, or none, in each image; train/ and val/ have the class folders horse, zebra and none.
herd: hard. Up to four animals, both kinds together, 1 to 60 % of the image, hidden and cut off, among things that
look like them; train.csv and val.csv say what is in each image.

masks/ holds palette PNGs (0 background, 1 horse, 2 zebra). Masks are for measuring; training uses the tags only.`,
    )
    .action(runSynth);
}

function scenesOption(): Option {
  return new Option("--scenes <style>", "how hard").choices(sceneStyles).default("single");
}

function sizeOption(): Option {
  const option = new Option("--size <WxH>", "size of every image, pixels");
  return option.argParser(parseSize).default({ width: 160, height: 120 }, "160x120");
}

async function runSynth(flags: SynthFlags): Promise<void> {
  // Loaded on use, here and below: sharp takes longer to load than `seedgrow --help` takes to print.
  const { writeSynth } = await import("../../coordinator/adapters/synth-writer.js");
  const bar = startBar("drawing");
  try {
    const images = await writeSynth({
      outPath: flags.out,
      seed: flags.seed,
      scenes: flags.scenes,
      trainImages: flags.train,
      valImages: flags.val,
      size: flags.size,
      onProgress: bar.update,
    });
    bar.stop();
    if (flags.json) outJson({ out: flags.out, seed: flags.seed, scenes: flags.scenes, images, ...flags.size });
    else out(`${images} images of ${flags.size.width}x${flags.size.height} with masks in ${flags.out}`);
  } finally {
    bar.stop();
  }
}

interface CheckFlags {
  readonly data: string;
  readonly val?: string;
  readonly masks?: string;
  readonly classes?: string[];
  readonly brokenShareMax: number;
  readonly shardImages: number;
  readonly json?: boolean;
}

function checkCommand(): Command {
  const { brokenShareMax, shardImages } = runConfigSchema.parse({}).data;
  return new Command("check")
    .description("read every image and mask, and say what would be trained on and what is wrong, by name")
    .requiredOption(
      "--data <path>",
      "class folders, a folder with train/ and val/ (or train.csv), trainA/ and trainB/, or a .csv of tags",
    )
    .option("--val <path>", "validation images, laid out like --data")
    .option("--masks <dir>", "true masks (PNG), for measuring only")
    .option("--classes <names>", "class names in the order of their ids, separated by commas", parseNames)
    .option("--broken-share-max <share>", "broken images tolerated, as a share of all", shareOf, brokenShareMax)
    .option("--shard-images <n>", "images per shard", integerIn(1, 1000), shardImages)
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data check --data photos/train --val photos/val --masks photos/masks
  $ seedgrow data check --data horse2zebra --classes horse,zebra
  $ seedgrow data check --data tags.csv --json

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
  if (flags.json) outJson(checkResult(scan));
  else printCheck(scan);
  // The names are printed above; the error repeats only the reason.
  if (scan.verdict) throw new AppError(scan.verdict.code, reasonOf(scan.verdict), { hint: scan.verdict.hint });
}

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

function printCheck(scan: DataScan): void {
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
  if (scan.verdict === null) out(pc.green("it would train"));
}

function classTable({ classes }: DataSummary): string {
  const table = new Table({ head: ["id", "class", "train", "val"], style: { head: [], border: [], compact: true } });
  for (const { id, name, train, val } of classes) table.push([id ?? "-", name, train, val]);
  return table.toString();
}

function describeSplit({ images, bytes, masks, shards, sizes }: SplitSummary, hasMasks: boolean): string {
  const megabytes = (bytes / 1e6).toFixed(1);
  const span = sizes ? `, ${sizes.smallest} to ${sizes.largest} (median ${sizes.median})` : "";
  return `${images} images, ${megabytes} MB${span}, ${shards} shards${hasMasks ? `, ${masks} masks` : ""}`;
}

interface Bar {
  readonly update: (done: number, total: number) => void;
  readonly stop: () => void;
}

/** On stderr, and only where somebody watches. */
function startBar(verb: string): Bar {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const format = `${verb} {bar} {value}/{total}  {eta_formatted} left`;
  const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true });
  let started = false;
  const update = (done: number, total: number) => {
    if (!started) bar.start(total, done);
    started = true;
    bar.setTotal(total);
    bar.update(done);
  };
  return { update, stop: () => bar.stop() };
}

function integerIn(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("It must be a number from 0 to 1.");
}

function parseNames(text: string): string[] {
  return text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

function parseSize(text: string): { width: number; height: number } {
  const [width = 0, height = 0] = /^(\d+)x(\d+)$/.exec(text)?.slice(1).map(Number) ?? [];
  const fits = (side: number) => side >= sceneSideMin && side <= sceneSideMax;
  const aspect = Math.max(width / height, height / width);
  if (fits(width) && fits(height) && aspect <= sceneAspectMax) return { width, height };
  throw new InvalidArgumentError(
    `It must be WIDTHxHEIGHT, each from ${sceneSideMin} to ${sceneSideMax}, neither more than ${sceneAspectMax} times the other.`,
  );
}
