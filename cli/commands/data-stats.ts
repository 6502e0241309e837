/** `seedgrow data stats`: a data set as pictures. */
import { writeFile } from "node:fs/promises";
import { Command } from "commander";
import pc from "picocolors";
import { runConfigSchema } from "../../coordinator/config.js";
import { AppError } from "../../shared/errors.js";
import { startBar } from "../bar.js";
import { nameList, wholeNumber } from "../options.js";
import { out, outJson } from "../output.js";

interface StatsFlags {
  readonly data: string;
  readonly val?: string;
  readonly classes?: string[];
  readonly out: string;
  readonly perClass: number;
  readonly seed: number;
  readonly json?: boolean;
}

export function statsCommand(): Command {
  return new Command("stats")
    .description("show a data set: photos of every class, counts, sizes, and photos that look the same")
    .requiredOption("--data <path>", "class folders, a folder with train/ and val/, or a .csv of tags")
    .option("--val <path>", "validation images, laid out like --data")
    .option("--classes <names>", "class names in the order of their ids, separated by commas", nameList)
    .option("--out <file>", "a page (.html), or only the photos (.png)", "data-stats.html")
    .option("--per-class <n>", "photos shown of each class", wholeNumber(1, 200), 12)
    .option("--seed <n>", "which ones", wholeNumber(0, 2 ** 31 - 1), 0)
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data stats --data photos/train
  $ seedgrow data stats --data photos/train --val photos/val --out sheet.png --per-class 8

The page needs nothing else: it can be mailed. Nothing is sent anywhere.`,
    )
    .action(runStats);
}

async function runStats(flags: StatsFlags): Promise<void> {
  const { sheetPage, sheetPng } = await import("../../coordinator/adapters/data-sheet.js");
  const { scanData } = await import("../../coordinator/adapters/image-index.js");
  const { fingerprintFiles } = await import("../../coordinator/adapters/look-alikes.js");
  const { balanceWarnings, findLookAlikes, photosOf } = await import("../../coordinator/data/findings.js");
  const kind = /\.(html|png)$/i.exec(flags.out)?.[1]?.toLowerCase();
  if (!kind) throw new AppError("USAGE", `--out ${flags.out}: the name must end with .html or .png`);
  const { data, method } = runConfigSchema.parse({});
  const reading = startBar("reading");
  const scan = await scanData({
    ...{ dataPath: flags.data, valPath: flags.val, classes: flags.classes },
    ...{ brokenShareMax: 1, shardImages: data.shardImages, onProgress: reading.update },
  }).finally(reading.stop);
  if (scan.verdict) throw scan.verdict;
  const comparing = startBar("comparing");
  const paths = photosOf(scan.manifest).map(({ entry }) => scan.imagePaths.get(entry.digest));
  const lookAlikes = findLookAlikes(
    scan.manifest,
    await fingerprintFiles(paths, comparing.update).finally(comparing.stop),
  );
  const warnings = balanceWarnings(scan.manifest, method.imageSize);
  const options = { perClass: flags.perClass, seed: flags.seed, lookAlikes, warnings };
  await writeFile(flags.out, kind === "png" ? await sheetPng(scan, options) : await sheetPage(scan, options));
  if (flags.json) outJson({ out: flags.out, photos: paths.length, lookAlikes: lookAlikes.length, warnings });
  else out(`${pc.bold(flags.out)}: ${paths.length} photos, ${lookAlikes.length} groups that look the same`);
}
